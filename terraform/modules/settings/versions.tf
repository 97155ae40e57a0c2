# Text from values and nothing else: no provider, so its tests run anywhere.
terraform {
  required_version = ">= 1.9, < 2"
}

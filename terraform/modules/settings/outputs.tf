output "files" {
  description = "Settings file of each service, as YAML."
  value = {
    proxy    = yamlencode(local.proxy)
    policy   = yamlencode(local.policy)
    approval = yamlencode(local.approval)
    audit    = yamlencode(local.audit)
    notifier = yamlencode(local.notifier)
    console  = yamlencode(local.console)
  }
}

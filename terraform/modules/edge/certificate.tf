locals {
  # One certificate for the door and everything below it, one for each other host.
  hosts   = toset([for route in values(var.routes) : route.host if !can(regex("^[^.]+[.]${replace(var.door, ".", "[.]")}$", route.host))])
  domains = setunion([var.door], local.hosts)
}

resource "google_certificate_manager_dns_authorization" "main" {
  for_each = local.domains

  project     = var.project_id
  name        = "${var.name}-${replace(each.value, ".", "-")}"
  description = "Proves that ${each.value} is ours."
  domain      = each.value
  labels      = var.labels
}

resource "google_certificate_manager_certificate" "main" {
  for_each = local.domains

  project     = var.project_id
  name        = "${var.name}-${replace(each.value, ".", "-")}"
  description = each.value == var.door ? "The domain door and every service's name below it." : "A page or an interface for people."
  labels      = var.labels

  managed {
    domains            = each.value == var.door ? [var.door, "*.${var.door}"] : [each.value]
    dns_authorizations = [google_certificate_manager_dns_authorization.main[each.value].id]
  }
}

resource "google_certificate_manager_certificate_map" "main" {
  project     = var.project_id
  name        = var.name
  description = "Which certificate is shown for which name."
  labels      = var.labels
}

resource "google_certificate_manager_certificate_map_entry" "host" {
  for_each = local.domains

  project      = var.project_id
  name         = "${var.name}-${replace(each.value, ".", "-")}"
  map          = google_certificate_manager_certificate_map.main.name
  hostname     = each.value
  certificates = [google_certificate_manager_certificate.main[each.value].id]
}

resource "google_certificate_manager_certificate_map_entry" "wildcard" {
  project      = var.project_id
  name         = "${var.name}-any"
  map          = google_certificate_manager_certificate_map.main.name
  hostname     = "*.${var.door}"
  certificates = [google_certificate_manager_certificate.main[var.door].id]
}

locals {
  records = merge(
    { for domain, one in google_certificate_manager_dns_authorization.main : "authorization-${domain}" => {
      name = one.dns_resource_record[0].name
      type = one.dns_resource_record[0].type
      data = one.dns_resource_record[0].data
    } },
    { for name in setunion(local.domains, ["*.${var.door}"]) : "address-${name}" => {
      name = "${name}."
      type = "A"
      data = google_compute_global_address.main.address
    } },
  )
}

resource "google_dns_record_set" "main" {
  for_each = var.dns_zone == null ? toset([]) : toset(concat(
    [for domain in local.domains : "authorization-${domain}"],
    [for name in setunion(local.domains, ["*.${var.door}"]) : "address-${name}"],
  ))

  project      = var.dns_zone.project_id
  managed_zone = var.dns_zone.name
  name         = local.records[each.value].name
  type         = local.records[each.value].type
  ttl          = 300
  rrdatas      = [local.records[each.value].data]
}

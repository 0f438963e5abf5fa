# Deploying from GitHub Actions without a key: GitHub's token of the workflow is exchanged for a short-lived one of the deployer's account.

locals {
  github = var.github_repository == "" ? toset([]) : toset([var.github_repository])

  # Whoever applies this module creates accounts and grants rights: the deployer is as mighty as an owner of this project, which is why only jobs of the one
  # GitHub environment named like this one may act as it: its protection rules say which branches and tags those are, and who approves.
  deployer_roles = toset(var.github_repository == "" ? [] : concat([
    "roles/artifactregistry.admin",
    "roles/cloudfunctions.admin",
    "roles/cloudscheduler.admin",
    "roles/cloudtasks.admin",
    "roles/datastore.owner",
    "roles/firebaserules.admin",
    "roles/iam.roleAdmin",
    "roles/iam.serviceAccountAdmin",
    "roles/iam.workloadIdentityPoolAdmin",
    "roles/logging.configWriter",
    "roles/monitoring.editor",
    "roles/pubsub.admin",
    "roles/resourcemanager.projectIamAdmin",
    "roles/run.admin",
    "roles/secretmanager.admin",
    "roles/serviceusage.serviceUsageAdmin",
    "roles/storage.admin",
    ],
    var.console ? ["roles/firebasehosting.admin"] : [],
    var.firestore_listeners ? ["roles/identityplatform.admin"] : [],
    var.use_kms ? ["roles/cloudkms.admin"] : [],
  ))
}

resource "google_iam_workload_identity_pool" "github" {
  for_each = local.github

  workload_identity_pool_id = "github"
  display_name              = "GitHub Actions"

  depends_on = [google_project_service.api]
}

resource "google_iam_workload_identity_pool_provider" "github" {
  # checkov:skip=CKV_GCP_125:The check knows the claim `sub` alone; repository and environment stand for themselves below
  for_each = local.github

  workload_identity_pool_id          = google_iam_workload_identity_pool.github[each.key].workload_identity_pool_id
  workload_identity_pool_provider_id = "actions"
  attribute_condition                = "assertion.repository == \"${var.github_repository}\" && assertion.environment == \"${var.environment}\""

  attribute_mapping = {
    "google.subject"       = "assertion.sub"
    "attribute.repository" = "assertion.repository"
  }

  oidc {
    issuer_uri = "https://token.actions.githubusercontent.com"
  }
}

resource "google_service_account" "deployer" {
  for_each = local.github

  account_id   = "fanfare-deployer"
  display_name = "Fanfare: what GitHub's workflows deploy as"

  depends_on = [google_project_service.api]
}

resource "google_service_account_iam_member" "github_acts_as_deployer" {
  for_each = local.github

  service_account_id = google_service_account.deployer[each.key].name
  role               = "roles/iam.workloadIdentityUser"
  member             = "principalSet://iam.googleapis.com/${google_iam_workload_identity_pool.github[each.key].name}/attribute.repository/${each.key}"
}

resource "google_project_iam_member" "deployer" {
  for_each = local.deployer_roles

  project = var.project
  role    = each.key
  member  = google_service_account.deployer[var.github_repository].member
}

# It deploys functions, jobs and builds that run as these accounts.
resource "google_service_account_iam_member" "deployer_acts_as" {
  for_each = length(local.github) == 0 ? {} : merge(
    { for name, account in google_service_account.function : name => account.name },
    {
      tasks     = google_service_account.tasks.name
      scheduler = google_service_account.scheduler.name
      build     = google_service_account.build.name
    },
  )

  service_account_id = each.value
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.deployer[var.github_repository].member
}

# What apps need to listen in Firestore by themselves. The Firebase project itself and its Hosting site are in no stable release of the provider: they are made once
# by firebase-tools, which also publishes the console (docs/deployment.md). The switch for the console is `console`.

resource "google_identity_platform_config" "listeners" {
  count = var.firestore_listeners ? 1 : 0

  # Nobody signs up here: the only way in is a token that api has signed.
  client {
    permissions {
      disabled_user_signup   = false
      disabled_user_deletion = true
    }
  }

  sign_in {
    email {
      enabled = false
    }
    anonymous {
      enabled = false
    }
  }

  depends_on = [google_project_service.api]
}

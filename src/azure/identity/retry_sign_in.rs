//! Instructions to sign in again, or to another tenant. Each sign-in method has its own.

use secrecy::ExposeSecret;

use super::source::CredentialSource;
use super::{AzureIdentity, sign_in_errors};
use crate::azure::error::{ApiError, AzureService, FailureKind};
use crate::domain::TenantId;

impl AzureIdentity {
    /// Returns the instructions to sign in to `tenant` instead of the current one: lines to follow or to copy.
    pub fn sign_in_to(&self, tenant: TenantId) -> Vec<String> {
        let again = format!("Run the same command with --tenant-id {tenant}");
        let known_there = |with: &str| {
            vec![
                format!("{again} (or AZURE_TENANT_ID)"),
                format!("and with an application of this tenant: AZURE_CLIENT_ID and {with}."),
            ]
        };
        match &*self.source {
            CredentialSource::Cli { .. } => vec![self.az_login(Some(&tenant.to_string()), None), format!("{again}.")],
            CredentialSource::Code(_) => vec![format!("{again}, and sign in with an account of that tenant.")],
            CredentialSource::Secret { .. } => known_there("AZURE_CLIENT_SECRET"),
            CredentialSource::Certificate { .. } => known_there("AZURE_CLIENT_CERTIFICATE_PATH"),
            CredentialSource::Federated { .. } => known_there("a trusted token in AZURE_FEDERATED_TOKEN_FILE"),
            CredentialSource::Job { .. } => {
                known_there("the permission id-token: write, and a federated credential for this repository")
            }
            CredentialSource::Managed { .. } => vec![
                "A managed identity has tokens for its own tenant only: use another --auth method,".to_owned(),
                format!("or run peerctl on a machine whose identity is in tenant {tenant}."),
            ],
        }
    }

    /// The client id of the application that signs in with something of its own. A managed identity, and whoever az or
    /// a code has signed in, are not known before there is a token.
    pub fn client_id(&self) -> Option<&str> {
        self.source.client_id()
    }

    /// The error for a token of `given` where one of `wanted` was asked for.
    pub(super) fn of_another_tenant(&self, given: TenantId, wanted: TenantId) -> ApiError {
        let way = self.source.name();
        ApiError {
            sign_in: self.sign_in_to(wanted),
            ..sign_in_errors::no_token(format!(
                "Sign-in with {way} returned a token for tenant {given}, not for {wanted}."
            ))
        }
    }

    /// The error with how to sign in again, where the operator could not.
    pub(super) fn with_remedy(&self, mut error: ApiError, scope: &str) -> ApiError {
        self.explain_failure(&mut error);
        let refused = match &error.failure {
            _ if !self.operator => return error,
            FailureKind::Refused { .. } => true,
            FailureKind::NoToken { .. } => false,
            FailureKind::Unreachable(_) | FailureKind::Unreadable { .. } => return error,
        };
        let tenant = self.place.tenant.as_deref();
        let check = |what: &str| {
            vec![format!(
                "Check AZURE_TENANT_ID (or --tenant-id), and AZURE_CLIENT_ID with {what}."
            )]
        };
        // What answers a managed identity is the machine's own token service, not Entra.
        if let (CredentialSource::Managed { .. }, FailureKind::Refused { status, message, .. }) =
            (&*self.source, &error.failure)
        {
            let why = format!("The machine's metadata service (169.254.169.254) returned HTTP {status}: {message}");
            error.failure = FailureKind::NoToken { why };
        }
        error.sign_in = match &*self.source {
            // What Entra wants may be wanted of this service alone.
            CredentialSource::Cli { .. } if !error.sign_in.is_empty() => error.sign_in,
            CredentialSource::Cli { .. } => vec![
                self.az_login(tenant, Some(scope).filter(|_| refused)),
                self.after_az_login(),
            ],
            CredentialSource::Code(_) => {
                let whom = tenant.map(|tenant| format!("a user of tenant {tenant}"));
                let whom = whom.unwrap_or_else(|| "a user with a work or school account".to_owned());
                vec![format!(
                    "Run the same command again for a new code, and sign in as {whom}."
                )]
            }
            CredentialSource::Managed { .. } => vec![
                "Check that this machine has a managed identity. If it has several, set AZURE_CLIENT_ID.".to_owned(),
            ],
            // Without Entra's word it is a file that could not be read, and that is said.
            _ if !refused => Vec::new(),
            CredentialSource::Secret { .. } => check("AZURE_CLIENT_SECRET"),
            CredentialSource::Certificate { .. } => check("AZURE_CLIENT_CERTIFICATE_PATH"),
            CredentialSource::Federated { .. } => check("AZURE_FEDERATED_TOKEN_FILE"),
            CredentialSource::Job { .. } if error.service == AzureService::Entra => {
                check("its federated credential for this repository")
            }
            CredentialSource::Job { .. } => vec!["Check that the job has the permission id-token: write.".to_owned()],
        };
        error
    }

    /// Returns what the next command line needs after `az login`, which makes its tenant the current one.
    fn after_az_login(&self) -> String {
        let tenant = self
            .place
            .tenant
            .as_deref()
            .and_then(|text| text.parse::<TenantId>().ok());
        match (tenant, self.home.get()) {
            (Some(tenant), Some(home)) if tenant != *home => format!(
                "Then run the same command again with --tenant-id {home}: az login switches to tenant {tenant}."
            ),
            _ => AGAIN.to_owned(),
        }
    }

    /// Adds to the error what only the way to sign in knows.
    fn explain_failure(&self, error: &mut ApiError) {
        match (&*self.source, &mut error.failure) {
            (CredentialSource::Cli { half: Some(half), .. }, FailureKind::NoToken { why }) => {
                *why = format!("{why} {half}")
            }
            (CredentialSource::Secret { secret, .. }, FailureKind::Refused { code, message, .. })
                if code == "AADSTS7000215" =>
            {
                let secret = secret.expose_secret();
                if secret.trim() != secret {
                    message.push_str(" The secret starts or ends with whitespace or a line break.");
                }
            }
            (
                CredentialSource::Managed { endpoint: None, .. },
                FailureKind::Refused { .. } | FailureKind::Unreachable(_),
            ) => {
                let why = format!(
                    "The metadata service (169.254.169.254) returned no token: {}. It's available only on Azure virtual machines.",
                    error.message().trim_end_matches('.')
                );
                error.failure = FailureKind::NoToken { why };
            }
            _ => {}
        }
    }

    /// The error with how to sign in to the tenant that Azure names, where the token is of another one.
    pub(in crate::azure) fn with_right_tenant(&self, mut error: ApiError) -> ApiError {
        if error.code() == Some("InvalidAuthenticationTokenTenant")
            && let Some(right) = right_tenant(&error.message())
        {
            error.sign_in = self.sign_in_to(right);
        }
        error
    }

    /// The error with how to sign in so that a claims challenge is met.
    pub(in crate::azure) async fn with_claims_sign_in(&self, mut error: ApiError, scope: &str) -> ApiError {
        let Some(challenge) = &error.challenge else {
            return error;
        };
        let tenant = match &self.place.tenant {
            Some(tenant) => Some(tenant.clone()),
            None => self.who_am_i(scope).await.ok().map(|who| who.tenant.to_string()),
        };
        let of_tenant = tenant
            .as_ref()
            .map(|tenant| format!(" of tenant {tenant}"))
            .unwrap_or_default();
        let login = self.az_login(tenant.as_deref(), Some(scope));
        let (login, needs) = match &challenge.encoded {
            Some(claims) => (
                format!("{login} --claims-challenge \"{claims}\""),
                " --claims-challenge requires Azure CLI 2.76 or later (az upgrade).",
            ),
            None => (login, ""),
        };
        let ask = |whom: &str| {
            format!(
                "Ask an administrator{of_tenant} which Conditional Access policy applies to {whom}: the sign-in logs name it."
            )
        };
        let first = match &*self.source {
            CredentialSource::Cli { .. } => None,
            CredentialSource::Code(_) => Some(
                "Run the same command again, and complete multifactor authentication when you enter the code."
                    .to_owned(),
            ),
            CredentialSource::Managed { .. } => Some(ask("this machine's identity")),
            CredentialSource::Secret { client, .. }
            | CredentialSource::Certificate { client, .. }
            | CredentialSource::Federated { client, .. }
            | CredentialSource::Job { client, .. } => Some(ask(&format!("the application {client}"))),
        };
        error.sign_in = match first {
            None => vec![login, format!("{AGAIN}{needs}")],
            Some(first) => vec![
                first,
                "Or sign in as a user, then run the same command again with --auth azure-cli:".to_owned(),
                login,
            ],
        };
        error
    }

    /// az's command; where its cloud is another one than az has by itself, with that.
    fn az_login(&self, tenant: Option<&str>, scope: Option<&str>) -> String {
        let cloud = self
            .place
            .cloud
            .az_name()
            .map(|name| format!("az cloud set --name {name} && "));
        let flag =
            |name: &str, value: Option<&str>| value.map(|value| format!(" --{name} {value}")).unwrap_or_default();
        let (tenant, scope) = (flag("tenant", tenant), flag("scope", scope));
        format!("{}az login{tenant}{scope}", cloud.unwrap_or_default())
    }
}

/// `… wrong issuer 'https://sts.windows.net/WRONG/'. It must match the tenant 'https://sts.windows.net/RIGHT/' …`; where
/// several would do, the first.
fn right_tenant(message: &str) -> Option<TenantId> {
    let (_, rest) = message.split_once("must match")?;
    let mut words = rest.split(|c: char| c != '-' && !c.is_ascii_hexdigit());
    words.find_map(|word| word.parse().ok().filter(|_| word.len() == 36))
}

const AGAIN: &str = "Then run the same command again.";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::azure::testing::TransportScript;
    use crate::azure::{AuthMethod, AzureCloud};

    const TENANT: TenantId = TenantId::from_u128(7);
    const RIGHT: TenantId = TenantId::from_u128(8);
    const SCOPE: &str = "https://management.core.windows.net//.default";

    fn identity(auth: AuthMethod, cloud: &AzureCloud) -> AzureIdentity {
        let vars = |name: &str| match name {
            "AZURE_CLIENT_ID" => Some("app-1".to_owned()),
            "AZURE_CLIENT_SECRET" => Some("set".to_owned()),
            // Any file that can be read.
            "AZURE_FEDERATED_TOKEN_FILE" => Some("Cargo.toml".to_owned()),
            _ => None,
        };
        AzureIdentity::new(auth, &vars, Some(TENANT), cloud, TransportScript::new([]).wire()).unwrap()
    }

    fn cloud(name: &str) -> AzureCloud {
        AzureCloud {
            name: name.to_owned(),
            ..AzureCloud::public()
        }
    }

    fn refused(code: &str, message: &str) -> ApiError {
        let mut error = sign_in_errors::no_token(String::new());
        error.failure = FailureKind::Refused {
            status: 400,
            code: code.to_owned(),
            message: message.to_owned(),
            details: Vec::new(),
            retry_after: None,
        };
        error
    }

    #[test]
    fn wrong_tenant_advice_per_sign_in() {
        let table = [
            (AuthMethod::AzureCli, "az login --tenant RIGHT", "--tenant-id RIGHT"),
            (AuthMethod::DeviceCode, "--tenant-id RIGHT", "an account of that tenant"),
            (AuthMethod::Environment, "--tenant-id RIGHT", "AZURE_CLIENT_SECRET"),
            (
                AuthMethod::WorkloadIdentity,
                "--tenant-id RIGHT",
                "AZURE_FEDERATED_TOKEN_FILE",
            ),
            (AuthMethod::ManagedIdentity, "its own tenant only", "tenant RIGHT"),
        ];
        for (auth, first, all) in table {
            let lines = identity(auth, &AzureCloud::public()).sign_in_to(RIGHT);
            let [first, all] = [first, all].map(|text| text.replace("RIGHT", &RIGHT.to_string()));
            assert!(lines[0].contains(&first), "{auth}: {lines:?}");
            assert!(lines.join(" ").contains(&all), "{auth}: {lines:?}");
            let has_az = lines.iter().any(|line| line.contains("az login"));
            assert_eq!(has_az, auth == AuthMethod::AzureCli, "{auth}: {lines:?}");
        }
    }

    #[test]
    fn az_login_command_works_per_cloud() {
        let login = format!("az login --tenant {RIGHT}");
        let table = [
            ("public", String::new()),
            ("AzureCloud", String::new()),
            ("usgov", "az cloud set --name AzureUSGovernment && ".to_owned()),
            ("china", "az cloud set --name AzureChinaCloud && ".to_owned()),
            ("our.cloud-1", "az cloud set --name our.cloud-1 && ".to_owned()),
            // No shell is given what it would take apart.
            ("x; rm -rf ~", String::new()),
        ];
        for (name, cloud_set) in table {
            let lines = identity(AuthMethod::AzureCli, &cloud(name)).sign_in_to(RIGHT);
            assert_eq!(lines[0], format!("{cloud_set}{login}"));
        }
    }

    #[test]
    fn sign_in_advice_matches_audience() {
        let none = || sign_in_errors::no_token("nobody".to_owned());
        let again = format!("az login --tenant {TENANT}");
        let table = [
            (AuthMethod::AzureCli, none(), vec![again.clone(), AGAIN.to_owned()]),
            (
                AuthMethod::AzureCli,
                refused("AADSTS50076", ""),
                vec![format!("{again} --scope {SCOPE}"), AGAIN.to_owned()],
            ),
            // A file that cannot be read, say: the error itself says which.
            (AuthMethod::Environment, none(), Vec::new()),
        ];
        for (auth, error, expected) in table {
            let identity = identity(auth, &AzureCloud::public());
            assert_eq!(identity.with_remedy(error, SCOPE).sign_in, expected, "{auth}");
        }
        let table = [
            (AuthMethod::DeviceCode, "new code"),
            (AuthMethod::Environment, "AZURE_CLIENT_SECRET"),
            (AuthMethod::WorkloadIdentity, "AZURE_FEDERATED_TOKEN_FILE"),
            (AuthMethod::ManagedIdentity, "AZURE_CLIENT_ID"),
        ];
        for (auth, expected) in table {
            let error = identity(auth, &AzureCloud::public()).with_remedy(refused("AADSTS1", ""), SCOPE);
            assert!(
                error.sign_in.join(" ").contains(expected),
                "{auth}: {:?}",
                error.sign_in
            );
        }
    }

    #[test]
    fn environment_error_names_each_variable() {
        let table: [(&[&str], bool, &[&str]); 5] = [
            (
                &["AZURE_CLIENT_SECRET"],
                false,
                &[
                    "sets AZURE_CLIENT_SECRET but not",
                    "AZURE_TENANT_ID",
                    "AZURE_CLIENT_ID,",
                ],
            ),
            (
                &["AZURE_CLIENT_ID"],
                true,
                &["sets AZURE_CLIENT_ID but not AZURE_CLIENT_SECRET or"],
            ),
            (
                &["AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET"],
                false,
                &["but not AZURE_TENANT_ID (or --tenant-id),"],
            ),
            (&["AZURE_FEDERATED_TOKEN_FILE"], true, &["but not AZURE_CLIENT_ID,"]),
            (&[], false, &[]),
        ];
        for (set, tenant, expected) in table {
            let vars = |name: &str| set.contains(&name).then(|| "x".to_owned());
            let tenant = tenant.then_some(TENANT);
            let identity = AzureIdentity::new(
                AuthMethod::Auto,
                &vars,
                tenant,
                &AzureCloud::public(),
                TransportScript::new([]).wire(),
            )
            .unwrap();
            let message = identity
                .with_remedy(sign_in_errors::no_token("No az.".to_owned()), SCOPE)
                .message();
            assert!(message.starts_with("No az."), "{message}");
            assert_eq!(message == "No az.", expected.is_empty(), "{message}");
            assert!(expected.iter().all(|part| message.contains(part)), "{message}");
        }
    }

    #[test]
    fn missing_variables_are_listed_together() {
        let vars = |_: &str| None;
        let new = |auth| {
            AzureIdentity::new(
                auth,
                &vars,
                None,
                &AzureCloud::public(),
                TransportScript::new([]).wire(),
            )
        };
        for auth in [AuthMethod::Environment, AuthMethod::WorkloadIdentity] {
            let said = new(auth).unwrap_err().to_string();
            assert!(
                said.contains("AZURE_TENANT_ID, and AZURE_CLIENT_ID, and AZURE_"),
                "{said}"
            );
        }
    }

    #[test]
    fn secret_whitespace_is_reported() {
        for (secret, told) in [("s\n", true), (" s", true), ("s", false)] {
            let credential = crate::azure::AppCredential::Secret(secret.into());
            let wire = TransportScript::new([]).wire();
            let own = AzureIdentity::application(&AzureCloud::public(), wire, TENANT, uuid::Uuid::nil(), credential);
            let message = own.with_remedy(refused("AADSTS7000215", "Invalid."), SCOPE).message();
            assert_eq!(message.contains("ends with whitespace"), told, "{secret:?}: {message}");
        }
    }

    #[test]
    fn azure_only_methods_reject_other_hosts() {
        let elsewhere = AzureCloud {
            arm: "https://arm.example/".parse().unwrap(),
            ..AzureCloud::public()
        };
        for (auth, allowed) in [
            (AuthMethod::AzureCli, false),
            (AuthMethod::ManagedIdentity, false),
            (AuthMethod::DeviceCode, true),
        ] {
            let made = AzureIdentity::new(auth, &|_| None, None, &elsewhere, TransportScript::new([]).wire());
            assert_eq!(made.is_ok(), allowed, "{auth}");
        }
    }

    #[test]
    fn own_application_error_omits_operator_environment() {
        let credential = crate::azure::AppCredential::Secret("s".into());
        let wire = TransportScript::new([]).wire();
        let own = AzureIdentity::application(&AzureCloud::public(), wire, TENANT, uuid::Uuid::nil(), credential);
        assert!(own.with_remedy(refused("AADSTS1", ""), SCOPE).sign_in.is_empty());
    }

    #[test]
    fn tenant_hint_comes_from_azure() {
        let sts = |tenant| format!("https://sts.windows.net/{tenant}/");
        let (wrong, right) = (sts(TENANT), sts(RIGHT));
        let table = [
            (
                format!("… from the wrong issuer '{wrong}'. It must match the tenant '{right}' associated with this …"),
                Some(RIGHT),
            ),
            (
                format!("… wrong issuer '{wrong}'. It must match one of the tenants '{right},{wrong}' associated …"),
                Some(RIGHT),
            ),
            (format!("… from the wrong issuer '{wrong}'."), None),
            ("It must match the tenant 'deadbeef'".to_owned(), None),
        ];
        for (message, expected) in table {
            assert_eq!(right_tenant(&message), expected, "{message}");
            let error = refused("InvalidAuthenticationTokenTenant", &message);
            let told = identity(AuthMethod::AzureCli, &AzureCloud::public()).with_right_tenant(error);
            assert_eq!(told.sign_in.is_empty(), expected.is_none(), "{message}");
        }
    }
}

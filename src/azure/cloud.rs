//! Hosts and audiences of a cloud: one of Azure's clouds, or one from a file in the format of `az cloud show`.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use url::Url;
use uuid::Uuid;

use crate::domain::{TenantId, did_you_mean};
use crate::files;

/// Why a cloud cannot be used; the text names the file and the field.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloudError {
    #[error(
        "'{name}' is not a known cloud (public, usgov, china), and no file with this name exists. A file must contain the \
         output of `az cloud show`.{guess}"
    )]
    Unknown { name: String, guess: String },
    #[error("can't read {}: {why}", file.display())]
    Unreadable { file: PathBuf, why: String },
    #[error("{at}: not the JSON output of `az cloud show`: {why}")]
    NotJson { at: String, why: String },
    #[error("{at}: {field}: {why}")]
    Field {
        at: String,
        field: &'static str,
        why: String,
    },
}

/// A cloud's endpoints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AzureCloud {
    pub name: String,
    /// The authority: `https://login.microsoftonline.com/`.
    pub login: Url,
    /// Azure Resource Manager: `https://management.azure.com/`.
    pub arm: Url,
    /// The resource that ARM tokens are asked for: `https://management.core.windows.net/`, as the cloud writes it.
    pub arm_audience: String,
    /// Microsoft Graph: `https://graph.microsoft.com/`.
    pub graph: Url,
    /// Certificates (PEM) that are trusted besides the system's.
    pub ca_bundle: Option<String>,
}

/// Output of `az cloud show`, as far as it is needed, and `caBundle`, which peerctl adds.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ShownCloud {
    name: Option<String>,
    endpoints: Option<CloudEndpoints>,
    ca_bundle: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CloudEndpoints {
    active_directory: Option<String>,
    active_directory_resource_id: Option<String>,
    resource_manager: Option<String>,
    microsoft_graph_resource_id: Option<String>,
}

/// The name by which az knows the cloud of this name, where `az cloud set` needs one: any cloud but the public one. A name
/// that a shell would not take as it stands is left to the person.
pub fn az_cloud(name: &str) -> Option<&str> {
    let plain = |name: &&str| name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
    match name {
        "public" | "AzureCloud" => None,
        "usgov" => Some("AzureUSGovernment"),
        "china" => Some("AzureChinaCloud"),
        other => Some(other).filter(plain),
    }
}

impl AzureCloud {
    /// Azure, as most of the world has it (`AzureCloud`).
    pub fn public() -> Self {
        Self::known(
            "public",
            [
                "login.microsoftonline.com",
                "management.azure.com",
                "management.core.windows.net",
                "graph.microsoft.com",
            ],
        )
    }

    /// Azure for the US government (`AzureUSGovernment`).
    pub fn us_gov() -> Self {
        Self::known(
            "usgov",
            [
                "login.microsoftonline.us",
                "management.usgovcloudapi.net",
                "management.core.usgovcloudapi.net",
                "graph.microsoft.us",
            ],
        )
    }

    /// Azure in China (`AzureChinaCloud`).
    pub fn china() -> Self {
        Self::known(
            "china",
            [
                "login.chinacloudapi.cn",
                "management.chinacloudapi.cn",
                "management.core.chinacloudapi.cn",
                "microsoftgraph.chinacloudapi.cn",
            ],
        )
    }

    /// The number of custom roles that a tenant of this cloud may have.
    pub fn custom_role_limit(&self) -> u64 {
        let is_china = self.login.host_str().is_some_and(|host| host.ends_with(".cn"));
        match is_china || self.name.eq_ignore_ascii_case("AzureChinaCloud") {
            true => 2_000,
            false => 5_000,
        }
    }

    fn known(name: &str, [login, arm, audience, graph]: [&str; 4]) -> Self {
        let url = |host: &str| Url::parse(&format!("https://{host}/")).expect("the hosts above are written well");
        Self {
            name: name.to_owned(),
            login: url(login),
            arm: url(arm),
            arm_audience: format!("https://{audience}/"),
            graph: url(graph),
            ca_bundle: None,
        }
    }

    /// One of Azure's own clouds by its name: `public`, `usgov`, `china`, or as az writes them.
    pub fn well_known(name: &str) -> Option<Self> {
        match name.trim().to_ascii_lowercase().as_str() {
            "public" | "azurecloud" => Some(Self::public()),
            "usgov" | "azureusgovernment" => Some(Self::us_gov()),
            "china" | "azurechinacloud" => Some(Self::china()),
            _ => None,
        }
    }

    /// Returns whether these are the hosts of one of Azure's own clouds.
    pub fn is_well_known(&self) -> bool {
        let clouds = [Self::public(), Self::us_gov(), Self::china()];
        clouds.iter().any(|known| known.has_hosts_of(self))
    }

    fn has_hosts_of(&self, other: &Self) -> bool {
        let place = |url: &Url| (url.host_str().map(str::to_owned), url.port_or_known_default());
        self.origins().map(place) == other.origins().map(place)
    }

    /// Returns whether tokens for one of Azure's own clouds would go to other hosts than that cloud's, off this machine:
    /// az and a managed identity give out such tokens whatever the login host is.
    pub(super) fn borrows_audience(&self) -> bool {
        let host = |url: &Url| url.host_str().unwrap_or_default().to_ascii_lowercase();
        let audience = Url::parse(&self.arm_audience).map(|url| host(&url)).unwrap_or_default();
        let local = |url: &&Url| ["localhost", "127.0.0.1", "[::1]"].contains(&host(url).as_str());
        let clouds = [Self::public(), Self::us_gov(), Self::china()];
        let borrowed = |known: &Self| {
            let own = Url::parse(&known.arm_audience)
                .map(|url| host(&url))
                .unwrap_or_default();
            (audience == own || audience == host(&known.arm)) && !known.has_hosts_of(self)
        };
        clouds.iter().any(borrowed) && !self.origins().iter().all(local)
    }

    /// The cloud of that name (`public`, `usgov`, `china`, or as az writes them), or the one in that file.
    ///
    /// # Errors
    /// When it is neither, or the file does not hold a cloud.
    pub fn from_name_or_file(text: &str) -> Result<Self, CloudError> {
        if let Some(cloud) = Self::well_known(text) {
            return Ok(cloud);
        }
        let file = Path::new(text);
        let json = files::read_text(file).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => CloudError::Unknown {
                name: text.to_owned(),
                guess: did_you_mean(text, ["public", "usgov", "china"]),
            },
            _ => CloudError::Unreadable {
                file: file.to_owned(),
                why: error.to_string(),
            },
        })?;
        Self::from_json(&json, text, file.parent().unwrap_or(Path::new("")))
    }

    /// Reads what `az cloud show` prints; `at` names it in errors, a relative `caBundle` starts at `folder`.
    ///
    /// # Errors
    /// When a field is missing or wrong, or the CA bundle cannot be read.
    pub fn from_json(json: &str, at: &str, folder: &Path) -> Result<Self, CloudError> {
        let shown: ShownCloud = serde_json::from_str(json).map_err(|error| CloudError::NotJson {
            at: at.to_owned(),
            why: error.to_string(),
        })?;
        let missing = |field| CloudError::Field {
            at: at.to_owned(),
            field,
            why: "is missing".to_owned(),
        };
        let endpoints = shown.endpoints.ok_or_else(|| missing("endpoints"))?;
        let url = |field, text: Option<String>| {
            endpoint(&text.ok_or_else(|| missing(field))?).map_err(|why| CloudError::Field {
                at: at.to_owned(),
                field,
                why,
            })
        };
        const AUDIENCE: &str = "endpoints.activeDirectoryResourceId";
        let cloud = Self {
            name: shown.name.unwrap_or_else(|| at.to_owned()),
            login: url("endpoints.activeDirectory", endpoints.active_directory)?,
            arm: url("endpoints.resourceManager", endpoints.resource_manager)?,
            arm_audience: endpoints
                .active_directory_resource_id
                .filter(|text| !text.trim().is_empty())
                .ok_or_else(|| missing(AUDIENCE))?,
            graph: url(
                "endpoints.microsoftGraphResourceId",
                endpoints.microsoft_graph_resource_id,
            )?,
            ca_bundle: shown.ca_bundle.map(|text| ca_bundle(text, folder)).transpose()?,
        };
        match Self::well_known(&cloud.name) {
            Some(known) if !known.has_hosts_of(&cloud) => Err(CloudError::Field {
                at: at.to_owned(),
                field: "name",
                why: format!(
                    "'{}' is the name of a built-in Azure cloud with other hosts. Use another name for this cloud",
                    cloud.name
                ),
            }),
            _ => Ok(cloud),
        }
    }

    /// The endpoints that a token of this cloud may go to.
    pub fn origins(&self) -> [&Url; 3] {
        [&self.login, &self.arm, &self.graph]
    }

    /// The name by which az knows it, as [`az_cloud`].
    pub(super) fn az_name(&self) -> Option<&str> {
        az_cloud(&self.name)
    }

    /// Returns the URL where an administrator of `tenant` consents to the application, which creates its service
    /// principal there.
    pub fn admin_consent_url(&self, tenant: TenantId, app_id: Uuid) -> Url {
        let mut url = self.login.clone();
        url.set_path(&format!("{tenant}/adminconsent"));
        url.query_pairs_mut().append_pair("client_id", &app_id.to_string());
        url
    }

    /// The scope of ARM tokens. The audience is kept as it is, so one that ends in `/` gives two slashes, as with az:
    /// Entra takes what stands before `/.default` for the audience, to the letter.
    pub fn arm_scope(&self) -> String {
        format!("{}/.default", self.arm_audience)
    }

    /// The scope of Graph tokens.
    pub fn graph_scope(&self) -> String {
        format!("{}/.default", self.graph.as_str().trim_end_matches('/'))
    }
}

/// An endpoint that can be used: https, a host, and nothing behind it. A path would be lost, because both Azure
/// libraries put paths at the root of the host.
fn endpoint(text: &str) -> Result<Url, String> {
    let text = &without_userinfo(text);
    let url = Url::parse(text.trim()).map_err(|error| format!("'{text}' is not a URL: {error}"))?;
    if url.scheme() != "https" {
        return Err(format!("'{text}' is not an https URL"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() || text.contains('@') {
        return Err(format!("'{text}' has more than a host and a port"));
    }
    Ok(url)
}

/// The text of a URL with what may be a password masked.
fn without_userinfo(text: &str) -> String {
    let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://***@{host}"),
        None => text.to_owned(),
    }
}

/// PEM text, or the path of a file with it.
fn ca_bundle(text: String, folder: &Path) -> Result<String, CloudError> {
    if text.contains("-----BEGIN") {
        return Ok(text);
    }
    let file = folder.join(&text);
    files::read_text(&file).map_err(|error| CloudError::Unreadable {
        file,
        why: error.to_string(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOWN: &str = r#"{
      "endpoints": {
        "activeDirectory": "https://127.0.0.1:4433",
        "activeDirectoryGraphResourceId": "https://graph.windows.net/",
        "activeDirectoryResourceId": "https://management.core.windows.net/",
        "microsoftGraphResourceId": "https://127.0.0.1:4433/",
        "resourceManager": "https://127.0.0.1:4433/"
      },
      "isActive": true, "name": "sandbox", "profile": "latest", "suffixes": {}
    }"#;

    fn from(json: &str) -> Result<AzureCloud, CloudError> {
        AzureCloud::from_json(json, "cloud.json", Path::new("/nowhere"))
    }

    #[test]
    fn azs_own_output_is_a_cloud() {
        let cloud = from(SHOWN).unwrap();
        assert_eq!(
            (cloud.name.as_str(), cloud.arm.as_str()),
            ("sandbox", "https://127.0.0.1:4433/")
        );
        assert_eq!(cloud.arm_scope(), "https://management.core.windows.net//.default");
        assert_eq!(cloud.graph_scope(), "https://127.0.0.1:4433/.default");
        assert_eq!(cloud.ca_bundle, None);
    }

    #[test]
    fn cloud_error_names_field() {
        let table = [
            (
                r#""https://127.0.0.1:4433""#,
                r#""http://127.0.0.1:4433""#,
                "activeDirectory: 'http://127.0.0.1:4433' is not an https URL",
            ),
            (
                r#""resourceManager": "https://127.0.0.1:4433/""#,
                r#""resourceManager": "https://h/arm""#,
                "more than a host",
            ),
            (
                r#""https://127.0.0.1:4433""#,
                r#""https://:login.microsoftonline.com@elsewhere.example""#,
                "more than a host",
            ),
            (
                r#""resourceManager""#,
                r#""other""#,
                "endpoints.resourceManager: is missing",
            ),
            (
                r#""activeDirectoryResourceId""#,
                r#""other""#,
                "endpoints.activeDirectoryResourceId: is missing",
            ),
            (r#""endpoints""#, r#""other""#, "endpoints: is missing"),
            (r#""https://127.0.0.1:4433""#, r#""login""#, "is not a URL"),
            (
                r#""isActive": true"#,
                r#""caBundle": "no-such.pem""#,
                "can't read /nowhere/no-such.pem",
            ),
            ("{", "", "not the JSON output"),
        ];
        for (what, with, expected) in table {
            let error = from(&SHOWN.replacen(what, with, 1)).unwrap_err().to_string();
            assert!(error.contains(expected), "{expected}: {error}");
        }
    }

    #[test]
    fn ca_bundle_accepts_text_or_file() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), "-----BEGIN CERTIFICATE-----").unwrap();
        let file = folder.path().join("cloud.json");
        std::fs::write(&file, SHOWN.replace(r#""isActive": true"#, r#""caBundle": "ca.pem""#)).unwrap();
        let cloud = AzureCloud::from_name_or_file(file.to_str().unwrap()).unwrap();
        assert_eq!(cloud.ca_bundle.as_deref(), Some("-----BEGIN CERTIFICATE-----"));
    }

    #[test]
    fn cloud_name_is_case_insensitive() {
        assert_eq!(AzureCloud::from_name_or_file("AzureCloud"), Ok(AzureCloud::public()));
        assert_eq!(
            AzureCloud::from_name_or_file("USGov").unwrap().arm.host_str(),
            Some("management.usgovcloudapi.net")
        );
        assert_eq!(
            AzureCloud::from_name_or_file("china").unwrap().login.host_str(),
            Some("login.chinacloudapi.cn")
        );
        let error = AzureCloud::from_name_or_file("pubic").unwrap_err().to_string();
        assert!(error.contains("public, usgov, china"), "{error}");
    }

    #[test]
    fn cloud_rejects_reserved_name_elsewhere() {
        for name in ["AzureCloud", "public", " azurecloud", "AzureUSGovernment", "China"] {
            let error = from(&SHOWN.replace("\"sandbox\"", &format!("\"{name}\""))).unwrap_err();
            assert!(error.to_string().contains("name: "), "{error}");
        }
        let own = r#"{"name": "AzureCloud", "endpoints": {
            "activeDirectory": "https://login.microsoftonline.com", "resourceManager": "https://management.azure.com/",
            "activeDirectoryResourceId": "https://management.core.windows.net/",
            "microsoftGraphResourceId": "https://graph.microsoft.com/"}}"#;
        assert!(from(own).unwrap().is_well_known());
        assert!(!from(SHOWN).unwrap().is_well_known());
    }

    #[test]
    fn cloud_borrows_audience_only_on_localhost() {
        let table = [
            ("https://127.0.0.1:4433", "https://management.core.windows.net/", false),
            ("https://evil.example", "https://management.core.windows.net/", true),
            ("https://evil.example", "https://management.azure.com", true),
            (
                "https://evil.example",
                "https://management.core.usgovcloudapi.net/",
                true,
            ),
            ("https://stack.example", "https://management.stack.example/1", false),
        ];
        for (host, audience, borrowed) in table {
            let json = SHOWN.replace("https://127.0.0.1:4433", host);
            let json = json.replace("https://management.core.windows.net/", audience);
            assert_eq!(from(&json).unwrap().borrows_audience(), borrowed, "{host} {audience}");
        }
        assert!(!AzureCloud::public().borrows_audience() && !AzureCloud::china().borrows_audience());
    }

    #[test]
    fn password_in_an_address_is_masked() {
        let error = from(&SHOWN.replacen("https://127.0.0.1:4433", "https://user:p4ss@h.example", 1)).unwrap_err();
        let text = error.to_string();
        assert!(!text.contains("p4ss") && text.contains("***@h.example"), "{text}");
    }

    #[test]
    fn consent_page_uses_tenant() {
        let url = AzureCloud::public().admin_consent_url(Uuid::from_u128(1), Uuid::from_u128(2));
        assert_eq!(
            url.as_str(),
            "https://login.microsoftonline.com/00000000-0000-0000-0000-000000000001/adminconsent?client_id=00000000-0000-0000-0000-000000000002"
        );
    }
}

//! The lock that lets the operators' commands read and nothing else.

use aws_config::SdkConfig;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::BeforeSerializationInterceptorContextRef;
use aws_smithy_runtime_api::client::orchestrator::Metadata;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::config_bag::ConfigBag;
use mfa_warden::aws::Clients;

/// An interceptor that lets only reading calls through, and never reads a secret's value. It is a second lock beside
/// the dry run, because operators often use an administrator's credentials.
#[derive(Debug, Clone)]
pub struct ReadOnly;

impl ReadOnly {
    fn allows(operation: &str) -> bool {
        let reads = ["Get", "List", "Describe"].iter().any(|verb| operation.starts_with(verb));
        // The simulator judges calls and makes none.
        let harmless = ["GenerateCredentialReport", "SimulatePrincipalPolicy"].contains(&operation);
        (reads || harmless) && operation != "GetSecretValue"
    }
}

impl Intercept for ReadOnly {
    fn name(&self) -> &'static str {
        "ReadOnly"
    }

    fn read_before_serialization(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        match config.load::<Metadata>().map(Metadata::name) {
            Some(operation) if Self::allows(operation) => Ok(()),
            operation => {
                Err(format!("warden makes no such call here: {}", operation.unwrap_or("unknown")).into())
            }
        }
    }
}

/// Clients that can only read.
pub fn read_only(config: &SdkConfig) -> Clients {
    Clients::intercepted(config, ReadOnly)
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_config::Region;
    use mfa_warden::aws;

    #[test]
    fn a_read_only_client_neither_writes_nor_reads_a_secret() {
        for operation in
            ["ListUsers", "GetUser", "DescribeSecret", "GenerateCredentialReport", "SimulatePrincipalPolicy"]
        {
            assert!(ReadOnly::allows(operation), "{operation}");
        }
        for operation in ["GetSecretValue", "CreateSecret", "EnableMFADevice", "Publish", "TagResource"] {
            assert!(!ReadOnly::allows(operation), "{operation}");
        }
    }

    #[tokio::test]
    async fn a_read_only_client_stops_a_write_before_it_is_sent() {
        // Nothing listens at this address: a call that was sent would fail with another error.
        let config = aws::loader(aws::http_client()).test_credentials().region(Region::new("us-east-1"));
        let config = config.endpoint_url("http://127.0.0.1:9").load().await;
        let error = read_only(&config).secrets.delete("mfa-warden/AIDA").await.unwrap_err();
        assert!(error.to_string().contains("warden makes no such call here: DeleteSecret"), "{error}");
    }
}

//! IAM, in XML.

use crate::mocks::{ALICE, SECRET, SEED, alice_listed, clock, in_region};
use crate::wire::{Answer, Aws, error, map, ok, refused};
use data_encoding::BASE64;
use mfa_warden::aws::iam::Created;
use mfa_warden::model::account::Root;
use mfa_warden::model::user::{Device, User};
use mfa_warden::rules::credential_report::CredentialReport;
use std::collections::{BTreeMap, HashSet};

const POLICY: &str = "arn:aws:iam::123456789012:policy/mfa-warden/enrollment";
const DEVICE: &str = "arn:aws:iam::123456789012:mfa/mfa-warden/alice.0a1b2c3d";

#[tokio::test]
async fn users_are_listed_without_what_aws_leaves_out_and_with_what_it_adds() {
    let first = ok(
        "iam:ListUsers",
        "    <IsTruncated>true</IsTruncated>
    <Marker>AAYgYXJuOmF3czppYW06OjEyMzQ1Njc4OTAxMjp1c2VyL2FsaWNl+/=</Marker>
    <Users>
      <member>
        <Path>/</Path>
        <UserName>alice</UserName>
        <Arn>arn:aws:iam::123456789012:user/alice</Arn>
        <UserId>AIDAEXAMPLEALICE00001</UserId>
        <CreateDate>2012-09-05T19:38:48Z</CreateDate>
      </member>
    </Users>",
    );
    let second = ok(
        "iam:ListUsers",
        "    <IsTruncated>false</IsTruncated>
    <Users>
      <member>
        <SignInMethods>
          <member>Password</member>
        </SignInMethods>
        <PasswordLastUsed>2016-09-08T21:47:36Z</PasswordLastUsed>
        <PermissionsBoundary>
          <PermissionsBoundaryType>Policy</PermissionsBoundaryType>
          <PermissionsBoundaryArn>arn:aws:iam::123456789012:policy/Edge</PermissionsBoundaryArn>
        </PermissionsBoundary>
        <Path>/division_abc/engineering/</Path>
        <UserName>juan+o=k,a.b@c_d-e</UserName>
        <Arn>arn:aws:iam::123456789012:user/division_abc/engineering/juan+o=k,a.b@c_d-e</Arn>
        <UserId>AIDAEXAMPLEJUAN000001</UserId>
        <CreateDate>2014-04-09T15:43:45Z</CreateDate>
      </member>
    </Users>
    <Total>2</Total>",
    );
    let aws = Aws::answering([first, second]).await;
    let user = |name: &str, path: &str, id: &str, created_at: &str| User {
        name: name.to_owned(),
        id: id.to_owned(),
        arn: format!("arn:aws:iam::123456789012:user{path}{name}"),
        created_at: created_at.parse().unwrap(),
    };
    assert_eq!(
        aws.iam.users().await.unwrap(),
        [
            user("alice", "/", "AIDAEXAMPLEALICE00001", "2012-09-05T19:38:48Z"),
            user(
                "juan+o=k,a.b@c_d-e",
                "/division_abc/engineering/",
                "AIDAEXAMPLEJUAN000001",
                "2014-04-09T15:43:45Z"
            ),
        ]
    );
}

#[tokio::test]
async fn a_user_without_tags_has_no_element_for_them() {
    let user = |tags: &str| {
        ok(
            "iam:GetUser",
            &format!(
                "    <User>
      <Path>/</Path>
      <UserName>alice</UserName>
      <Arn>{ALICE}</Arn>{tags}
      <UserId>AIDAEXAMPLEALICE00001</UserId>
      <CreateDate>2026-06-15T12:00:00Z</CreateDate>
    </User>"
            ),
        )
    };
    let tagged = user(
        "
      <Tags>
        <member>
          <Key>email</Key>
          <Value>alice@example.com</Value>
        </member>
        <member>
          <Key>note</Key>
          <Value></Value>
        </member>
      </Tags>",
    );
    let aws = Aws::answering([user(""), tagged]).await;
    let tags = |tags: &[(&str, &str)]| -> BTreeMap<String, String> {
        tags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    assert_eq!(aws.iam.user("alice").await.unwrap(), Some((alice_listed(), tags(&[]))));
    let tags = tags(&[("email", "alice@example.com"), ("note", "")]);
    assert_eq!(aws.iam.user("alice").await.unwrap(), Some((alice_listed(), tags)));
}

#[tokio::test(start_paused = true)]
async fn only_no_such_entity_means_that_there_is_no_user() {
    let gone = refused("iam:GetUser", 404, "NoSuchEntity", "The user with name bob cannot be found.");
    assert_eq!(Aws::answering([gone]).await.iam.user("bob").await.unwrap(), None);
    let failed = refused("iam:GetUser", 500, "ServiceFailure", "The request processing has failed.");
    let error = error(failed.times(6), async |aws| aws.iam.user("bob").await).await.to_string();
    assert_eq!(
        error,
        "failed to read the IAM user `bob`: ServiceFailure: The request processing has failed."
    );
}

#[tokio::test]
async fn the_devices_of_nobody_of_a_user_and_of_the_root_user_are_told_apart() {
    // The root user has neither a name nor a path. (The example of the API reference, under `ListVirtualMFADevices`.)
    let listed = ok(
        "iam:ListVirtualMFADevices",
        "    <IsTruncated>false</IsTruncated>
    <VirtualMFADevices>
      <member>
        <SerialNumber>arn:aws:iam::123456789012:mfa/mfa-warden/alice.0a1b2c3d</SerialNumber>
      </member>
      <member>
        <SerialNumber>arn:aws:iam::123456789012:mfa/phone</SerialNumber>
        <EnableDate>2011-07-01T17:23:07Z</EnableDate>
        <User>
          <Path>/</Path>
          <UserName>alice</UserName>
          <Arn>arn:aws:iam::123456789012:user/alice</Arn>
          <UserId>AIDAEXAMPLEALICE00001</UserId>
          <CreateDate>2010-02-01T17:23:07Z</CreateDate>
        </User>
      </member>
      <member>
        <SerialNumber>arn:aws:iam::123456789012:mfa/root-account-mfa-device</SerialNumber>
        <EnableDate>2011-10-20T20:49:03Z</EnableDate>
        <User>
          <PasswordLastUsed>2011-10-20T20:50:00Z</PasswordLastUsed>
          <UserId>123456789012</UserId>
          <Arn>arn:aws:iam::123456789012:root</Arn>
          <CreateDate>2009-10-13T22:00:36Z</CreateDate>
        </User>
      </member>
    </VirtualMFADevices>",
    );
    let device = |name: &str, assigned_to: Option<&str>| Device {
        serial_number: format!("arn:aws:iam::123456789012:mfa/{name}"),
        assigned_to: assigned_to.map(str::to_owned),
    };
    assert_eq!(
        Aws::answering([listed]).await.iam.virtual_mfa_devices(false).await.unwrap(),
        [
            device("mfa-warden/alice.0a1b2c3d", None),
            device("phone", Some(ALICE)),
            device("root-account-mfa-device", Some("arn:aws:iam::123456789012:root")),
        ]
    );
}

#[tokio::test]
async fn virtual_devices_passkeys_and_hardware_tokens_are_all_devices() {
    let serials = [
        "arn:aws:iam::123456789012:mfa/phone",
        "arn:aws:iam::123456789012:u2f/user/alice/laptop-NUW2VLDEY5EXAMPLE7ZXUWGL2UA",
        "GAKT00012345",
    ];
    let members = serials.map(|serial| {
        format!(
            "
      <member>
        <UserName>alice</UserName>
        <SerialNumber>{serial}</SerialNumber>
        <EnableDate>2026-06-15T12:00:00Z</EnableDate>
      </member>"
        )
    });
    let listed = |members: &str| {
        let content = format!(
            "    <IsTruncated>false</IsTruncated>\n    <MFADevices>{members}\n    </MFADevices>\n    \
             <UserName>alice</UserName>"
        );
        ok("iam:ListMFADevices", &content)
    };
    let aws = Aws::answering([listed(&members.concat()), listed("")]).await;
    let devices = aws.iam.mfa_devices("alice").await.unwrap();
    assert_eq!(devices.iter().map(|device| device.serial_number.as_str()).collect::<Vec<_>>(), serials);
    assert!(devices.iter().all(|device| device.enabled_at == clock()));
    assert_eq!(aws.iam.mfa_devices("alice").await.unwrap(), []);
}

#[tokio::test]
async fn a_user_that_is_gone_has_no_empty_list_of_devices_or_keys() {
    let message = "The user with name alice cannot be found.";
    let gone = refused("iam:ListMFADevices", 404, "NoSuchEntity", message);
    let said = error([gone], async |aws| aws.iam.mfa_devices("alice").await).await;
    assert!(said.is_no_such_entity(), "{said}");
    let gone = refused("iam:ListAccessKeys", 404, "NoSuchEntity", message);
    let said = error([gone], async |aws| aws.iam.has_active_access_key("alice").await).await;
    assert!(said.is_no_such_entity(), "{said}");
    let gone = refused("iam:ListAttachedUserPolicies", 404, "NoSuchEntity", message);
    let said = error([gone], async |aws| aws.iam.attached_policies("alice").await).await;
    assert!(said.is_no_such_entity(), "{said}");
}

#[tokio::test]
async fn a_password_is_there_whatever_the_login_profile_leaves_out() {
    let profile = ok(
        "iam:GetLoginProfile",
        "    <LoginProfile>
      <UserName>alice</UserName>
      <CreateDate>2012-09-21T23:03:39Z</CreateDate>
    </LoginProfile>",
    );
    let none = "Login Profile for User alice cannot be found.";
    let none = refused("iam:GetLoginProfile", 404, "NoSuchEntity", none);
    let aws = Aws::answering([profile, none]).await;
    assert!(aws.iam.has_password("alice").await.unwrap());
    assert!(!aws.iam.has_password("alice").await.unwrap());
}

#[tokio::test]
async fn only_an_active_access_key_counts_on_whatever_page_it_is() {
    let keys = |statuses: &[&str], rest: &str| {
        let members = statuses.iter().map(|status| {
            format!(
                "
      <member>
        <UserName>alice</UserName>
        <AccessKeyId>AKIAIOSFODNN7EXAMPLE</AccessKeyId>
        <Status>{status}</Status>
        <CreateDate>2016-12-01T22:19:58Z</CreateDate>
      </member>"
            )
        });
        let members: String = members.collect();
        ok(
            "iam:ListAccessKeys",
            &format!("    {rest}\n    <AccessKeyMetadata>{members}\n    </AccessKeyMetadata>"),
        )
    };
    let whole = "<IsTruncated>false</IsTruncated>";
    let aws = Aws::answering([keys(&["Inactive", "Expired", "Asleep"], whole)]).await;
    assert!(!aws.iam.has_active_access_key("alice").await.unwrap());
    let cut = "<IsTruncated>true</IsTruncated>\n    <Marker>two</Marker>";
    let aws = Aws::answering([keys(&["Inactive"], cut), keys(&["Active"], whole)]).await;
    assert!(aws.iam.has_active_access_key("alice").await.unwrap());
}

fn report_state(state: &str, description: &str) -> Answer {
    ok("iam:GenerateCredentialReport", &format!("    <State>{state}</State>{description}"))
}

#[tokio::test(start_paused = true)]
async fn the_report_is_read_with_the_row_of_the_root_user() {
    let csv = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,\
               password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,\
               access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,\
               access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,\
               access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,\
               cert_2_active,cert_2_last_rotated,additional_credentials_info\n\
               <root_account>,arn:aws:iam::123456789012:root,2009-10-13T22:00:36+00:00,not_supported,\
               2011-10-20T20:50:00+00:00,not_supported,not_supported,true,false,N/A,N/A,N/A,N/A,false,N/A,N/A,N/A,\
               N/A,false,N/A,false,N/A,\n\
               alice,arn:aws:iam::123456789012:user/alice,2026-06-15T12:00:00+00:00,true,no_information,\
               2026-06-15T12:00:00+00:00,N/A,true,false,N/A,N/A,N/A,N/A,false,N/A,N/A,N/A,N/A,false,N/A,false,N/A,";
    let started = "\n    <Description>No report exists. Starting a new report generation task</Description>";
    let content = format!(
        "    <Content>{}</Content>
    <GeneratedTime>2026-06-15T11:59:59Z</GeneratedTime>
    <ReportFormat>text/csv</ReportFormat>",
        BASE64.encode(csv.as_bytes())
    );
    let answers = [
        report_state("STARTED", started),
        report_state("INPROGRESS", ""),
        report_state("COMPLETE", ""),
        ok("iam:GetCredentialReport", &content),
    ];
    let read = Aws::answering(answers).await.iam.credential_report().await.unwrap();
    let report = CredentialReport::parse(&read).unwrap();
    assert_eq!(report.root_mfa, Some(true));
    let scope = mfa_warden::model::settings::Scope::Console;
    assert!(report.vouches_for(&alice_listed(), scope).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_report_that_aws_cannot_make_or_give_is_an_error_with_its_code() {
    let full = "No more capacity to launch new report generation tasks";
    let full = refused("iam:GenerateCredentialReport", 409, "LimitExceeded", full);
    let said = error([full], async |aws| aws.iam.credential_report().await).await.to_string();
    assert_eq!(
        said,
        "failed to generate the credential report: LimitExceeded: No more capacity to launch new report generation tasks"
    );
    for (status, code) in [(410, "ReportNotPresent"), (410, "ReportExpired"), (404, "ReportInProgress")] {
        let none = refused("iam:GetCredentialReport", status, code, "The report is not there.");
        let answers = [report_state("COMPLETE", ""), none];
        let said = error(answers, async |aws| aws.iam.credential_report().await).await.to_string();
        assert_eq!(said, format!("failed to read the credential report: {code}: The report is not there."));
    }
}

fn summary(entries: &[(&str, i32)]) -> Answer {
    ok("iam:GetAccountSummary", &map("SummaryMap", entries.iter().copied()))
}

#[tokio::test]
async fn the_summary_is_read_among_entries_that_nobody_knows_yet() {
    let all = [
        ("AccessKeysPerUserQuota", 2),
        ("AccountPasskeysPresent", 1),
        ("AccountPasswordPresent", 0),
        ("AccountMFAEnabled", 1),
        ("Users", 27),
    ];
    let aws = Aws::answering(summary(&all).times(2)).await;
    assert_eq!(aws.iam.root().await.unwrap(), Root { mfa: true, password: false });
    assert_eq!(aws.iam.user_count().await.unwrap(), Some(27));
    // Without an entry for it, the root user counts as having a password.
    let aws = Aws::answering(summary(&[("AccountMFAEnabled", 0)]).times(2)).await;
    assert_eq!(aws.iam.root().await.unwrap(), Root { mfa: false, password: true });
    assert_eq!(aws.iam.user_count().await.unwrap(), None);
    let said = error([summary(&[("Users", 27)])], async |aws| aws.iam.root().await).await.to_string();
    assert!(said.ends_with("AWS's answer has no usable AccountMFAEnabled entry"), "{said}");
}

#[tokio::test]
async fn the_users_of_a_policy_are_read_past_a_page_without_any() {
    let first = ok(
        "iam:ListEntitiesForPolicy",
        "    <PolicyRoles/>
    <PolicyGroups/>
    <IsTruncated>true</IsTruncated>
    <Marker>two</Marker>
    <PolicyUsers/>",
    );
    let second = ok(
        "iam:ListEntitiesForPolicy",
        "    <PolicyRoles/>
    <PolicyGroups/>
    <IsTruncated>false</IsTruncated>
    <PolicyUsers>
      <member>
        <UserName>alice</UserName>
        <UserId>AIDAEXAMPLEALICE00001</UserId>
      </member>
    </PolicyUsers>",
    );
    let aws = Aws::answering([first, second]).await;
    assert_eq!(
        aws.iam.users_of_policy(POLICY).await.unwrap(),
        HashSet::from(["AIDAEXAMPLEALICE00001".to_owned()])
    );
    let message = format!("Policy {POLICY} does not exist or is not attachable.");
    let gone = refused("iam:ListEntitiesForPolicy", 404, "NoSuchEntity", &message);
    let said = error([gone], async |aws| aws.iam.users_of_policy(POLICY).await).await;
    assert!(said.is_no_such_entity(), "{said}");
}

#[tokio::test]
async fn the_attached_policies_are_read_past_a_page_without_any() {
    let first = ok(
        "iam:ListAttachedUserPolicies",
        "    <AttachedPolicies/>
    <IsTruncated>true</IsTruncated>
    <Marker>two</Marker>",
    );
    let second = ok(
        "iam:ListAttachedUserPolicies",
        "    <AttachedPolicies>
      <member>
        <PolicyName>enrollment</PolicyName>
        <PolicyArn>arn:aws:iam::123456789012:policy/mfa-warden/enrollment</PolicyArn>
      </member>
      <member>
        <PolicyName>ReadOnlyAccess</PolicyName>
        <PolicyArn>arn:aws:iam::aws:policy/ReadOnlyAccess</PolicyArn>
      </member>
    </AttachedPolicies>
    <IsTruncated>false</IsTruncated>",
    );
    let none =
        ok("iam:ListAttachedUserPolicies", "    <AttachedPolicies/>\n    <IsTruncated>false</IsTruncated>");
    let aws = Aws::answering([first, second, none]).await;
    assert_eq!(
        aws.iam.attached_policies("alice").await.unwrap(),
        [POLICY, "arn:aws:iam::aws:policy/ReadOnlyAccess"]
    );
    assert_eq!(aws.iam.attached_policies("alice").await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_policy_that_cannot_be_attached_is_refused_with_its_code() {
    let aws = Aws::answering([ok("iam:AttachUserPolicy", "")]).await;
    aws.iam.attach_policy("alice", POLICY).await.unwrap();
    for (status, code, message) in [
        (409, "LimitExceeded", "Cannot exceed quota for PoliciesPerUser: 10"),
        (400, "PolicyNotAttachable", "Cannot attach a Service Role Policy to a Customer user."),
        (404, "NoSuchEntity", "The user with name alice cannot be found."),
    ] {
        let no = refused("iam:AttachUserPolicy", status, code, message);
        let said = error([no], async |aws| aws.iam.attach_policy("alice", POLICY).await).await.to_string();
        assert_eq!(said, format!("failed to attach {POLICY} to `alice`: {code}: {message}"));
    }
}

#[tokio::test]
async fn a_policy_that_is_not_attached_is_detached_already() {
    let gone = format!("Policy {POLICY} was not found.");
    let gone = refused("iam:DetachUserPolicy", 404, "NoSuchEntity", &gone);
    let aws = Aws::answering([ok("iam:DetachUserPolicy", ""), gone]).await;
    aws.iam.detach_policy("alice", POLICY).await.unwrap();
    aws.iam.detach_policy("alice", POLICY).await.unwrap();
}

#[tokio::test]
async fn a_new_device_comes_with_its_seed_as_base64_of_base32() {
    let created = ok(
        "iam:CreateVirtualMFADevice",
        &format!(
            "    <VirtualMFADevice>
      <SerialNumber>{DEVICE}</SerialNumber>
      <Base32StringSeed>{}</Base32StringSeed>
      <QRCodePNG>iVBORw0KGgoAAAANSUhEUgAAAPoAAAD6AQAAAACgl2eQAAAB</QRCodePNG>
    </VirtualMFADevice>",
            BASE64.encode(SEED.as_bytes())
        ),
    );
    let aws = Aws::answering([created]).await;
    let Created::Device { serial_number, seed } =
        aws.iam.create_virtual_mfa_device("alice.0a1b2c3d").await.unwrap()
    else {
        panic!("the name is taken");
    };
    assert_eq!(serial_number, DEVICE);
    let value = mfa_warden::model::seed::secret_value(
        &seed.unwrap(),
        &in_region("us-east-1"),
        &alice_listed(),
        DEVICE,
        clock(),
    );
    let value: serde_json::Value = serde_json::from_str(value.expose()).unwrap();
    assert_eq!(value["seed"], SEED);
}

#[tokio::test]
async fn a_device_is_refused_with_a_code_and_a_request_and_no_words() {
    let create = async |aws: &mfa_warden::aws::Clients| aws.iam.create_virtual_mfa_device("alice.0a").await;
    let message = "MFADevice entity at the same path and name already exists.";
    let taken = refused("iam:CreateVirtualMFADevice", 409, "EntityAlreadyExists", message);
    assert!(matches!(create(&*Aws::answering([taken]).await).await, Ok(Created::NameTaken)));
    for code in ["LimitExceeded", "ConcurrentModification"] {
        let no = refused("iam:CreateVirtualMFADevice", 409, code, "Cannot exceed quota for MFADevices: 5000");
        let said = error([no], create).await.to_string();
        let device = "failed to create the virtual MFA device `alice.0a`";
        assert_eq!(said, format!("{device}: {code} (request {})", crate::wire::REQUEST));
    }
}

#[tokio::test]
async fn an_assigned_device_is_not_deleted_and_a_missing_one_is_deleted_already() {
    let message = format!("VirtualMFADevice with serial number {DEVICE} doesn't exist.");
    let gone = refused("iam:DeleteVirtualMFADevice", 404, "NoSuchEntity", &message);
    let aws = Aws::answering([ok("iam:DeleteVirtualMFADevice", ""), gone]).await;
    aws.iam.delete_virtual_mfa_device(DEVICE).await.unwrap();
    aws.iam.delete_virtual_mfa_device(DEVICE).await.unwrap();
    for (code, message) in [
        ("DeleteConflict", "MFA VirtualDevice in use. Must deactivate first."),
        ("ConcurrentModification", "Another request is changing this device."),
    ] {
        let no = refused("iam:DeleteVirtualMFADevice", 409, code, message);
        let delete = async |aws: &mfa_warden::aws::Clients| aws.iam.delete_virtual_mfa_device(DEVICE).await;
        let said = error([no], delete).await.to_string();
        assert_eq!(said, format!("failed to delete the virtual MFA device {DEVICE}: {code}: {message}"));
    }
}

/// A decision on one action, with what it says of one resource.
fn evaluated(action: &str, decision: &str, resource: &str, details: &str, rest: &str) -> String {
    format!(
        "
      <member>
        <EvalDecisionDetails/>
        <MatchedStatements/>
        <MissingContextValues/>
        <EvalResourceName>*</EvalResourceName>
        <EvalDecision>{decision}</EvalDecision>
        <EvalActionName>{action}</EvalActionName>{rest}
        <ResourceSpecificResults>
          <member>
            <EvalDecisionDetails/>{details}
            <EvalResourceName>{resource}</EvalResourceName>
            <EvalResourceDecision>{decision}</EvalResourceDecision>
          </member>
        </ResourceSpecificResults>
      </member>"
    )
}

async fn simulated(members: &[String]) -> Vec<String> {
    let content = format!(
        "    <IsTruncated>false</IsTruncated>\n    <EvaluationResults>{}\n    </EvaluationResults>",
        members.concat()
    );
    let aws = Aws::answering([ok("iam:SimulatePrincipalPolicy", &content)]).await;
    let denials = aws.iam.simulate(&alice_listed(), &in_region("us-east-1"), None, clock()).await.unwrap();
    denials.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn a_denying_policy_is_named_with_its_lines() {
    // `IAM Policy` is what AWS says, though the service model's list of source types has no such word.
    let denied = "
            <MatchedStatements>
              <member>
                <SourcePolicyId>user_alice_ForceMFA</SourcePolicyId>
                <EndPosition>
                  <Column>6</Column>
                  <Line>12</Line>
                </EndPosition>
                <SourcePolicyType>IAM Policy</SourcePolicyType>
                <StartPosition>
                  <Column>17</Column>
                  <Line>3</Line>
                </StartPosition>
              </member>
            </MatchedStatements>
            <MissingContextValues>
              <member>aws:SourceIp</member>
            </MissingContextValues>";
    let read = evaluated("secretsmanager:GetSecretValue", "explicitDeny", SECRET, denied, "");
    let enable = evaluated("iam:EnableMFADevice", "allowed", ALICE, "", "");
    assert_eq!(
        simulated(&[read, enable]).await,
        [
            "secretsmanager:GetSecretValue is denied without MFA by the policy user_alice_ForceMFA (lines 3 to 12) \
             (perhaps: it depends on conditions that are not known here)"
        ]
    );
}

#[tokio::test]
async fn an_organizations_denial_names_no_statement_and_a_boundary_stands_at_the_resource() {
    let organization = |allowed: bool| {
        format!(
            "
        <OrganizationsDecisionDetail>
          <AllowedByOrganizations>{allowed}</AllowedByOrganizations>
        </OrganizationsDecisionDetail>"
        )
    };
    let outside = "
            <PermissionsBoundaryDecisionDetail>
              <AllowedByPermissionsBoundary>false</AllowedByPermissionsBoundary>
            </PermissionsBoundaryDecisionDetail>
            <MatchedStatements/>
            <MissingContextValues/>";
    let none = "
            <MatchedStatements/>
            <MissingContextValues/>";
    for decision in ["implicitDeny", "explicitDeny"] {
        let read = evaluated("secretsmanager:GetSecretValue", decision, SECRET, none, &organization(false));
        let enable = evaluated("iam:EnableMFADevice", "implicitDeny", ALICE, outside, &organization(true));
        assert_eq!(
            simulated(&[read, enable]).await,
            [
                "secretsmanager:GetSecretValue is denied without MFA by a service control policy of the organization",
                "iam:EnableMFADevice is outside the user's permissions boundary",
            ]
        );
    }
}

#[tokio::test]
async fn a_simulation_that_aws_refuses_is_no_answer() {
    for (status, code) in [(404, "NoSuchEntity"), (400, "InvalidInput")] {
        let no = refused("iam:SimulatePrincipalPolicy", status, code, "no");
        let simulate = async |aws: &mfa_warden::aws::Clients| {
            aws.iam.simulate(&alice_listed(), &in_region("us-east-1"), None, clock()).await
        };
        let said = error([no], simulate).await.to_string();
        assert_eq!(said, format!("failed to simulate the policies of `alice`: {code}: no"));
    }
}

//! What tells that mfa-warden runs in another region: IAM has devices that it prepared, and their secrets are not here.

use mfa_warden::rules::ownership::DevicesWithoutSecret;

/// The warning, if there is one. `user`: the devices are this user's only.
pub fn warning(found: DevicesWithoutSecret, user: Option<&str>, region: &str) -> Option<String> {
    let of = user.map_or(String::new(), |user| format!(" of {user}"));
    let what = match found.devices {
        0 => return None,
        1 => format!("1 prepared device{of} whose secret is"),
        devices => format!("{devices} prepared devices{of} whose secrets are"),
    };
    let why = if found.has_others {
        "Other secrets of mfa-warden are there, so these may be too new to be listed, or deleted. If mfa-warden runs in \
         another region"
    } else {
        "IAM is the same in every region, so mfa-warden probably runs in another one. If it does"
    };
    Some(format!(
        "IAM has {what} not in region {region}. {why}, give that region: --region, AWS_REGION, or the profile's region"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_how_many_devices_have_no_secret_here_and_what_to_give() {
        let said = |devices, has_others, user| {
            warning(DevicesWithoutSecret { devices, has_others }, user, "eu-west-1")
        };
        assert_eq!(said(0, false, None), None);
        assert_eq!(said(0, true, Some("-alice")), None);
        let all = [said(12, false, None), said(1, false, Some("-alice")), said(1, true, None)];
        insta::assert_snapshot!(all.map(Option::unwrap).join("\n"), @"
        IAM has 12 prepared devices whose secrets are not in region eu-west-1. IAM is the same in every region, so mfa-warden probably runs in another one. If it does, give that region: --region, AWS_REGION, or the profile's region
        IAM has 1 prepared device of -alice whose secret is not in region eu-west-1. IAM is the same in every region, so mfa-warden probably runs in another one. If it does, give that region: --region, AWS_REGION, or the profile's region
        IAM has 1 prepared device whose secret is not in region eu-west-1. Other secrets of mfa-warden are there, so these may be too new to be listed, or deleted. If mfa-warden runs in another region, give that region: --region, AWS_REGION, or the profile's region
        ");
    }
}

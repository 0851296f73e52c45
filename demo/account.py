"""A believable account: a small company's IAM users, some with MFA, some without, and one of each exception."""

import datetime
from dataclasses import dataclass, field


@dataclass
class User:
    name: str
    verdict: str  # what mfa-warden should find in scope `console`
    path: str = "/"
    password: bool = True
    mfa: bool = False
    keys: int = 0
    tags: dict = field(default_factory=dict)

    @property
    def recipient(self):
        """The recipient of messages about this user."""
        return self.tags.get("email") or self.name

    @property
    def credentials(self):
        """The user's credentials in words, for a table."""
        has = ["password"] * self.password + ["MFA"] * self.mfa
        has += ["key" if self.keys == 1 else f"{self.keys} keys"] * bool(self.keys)
        return ", ".join(has) or "nothing"


def users(today):
    """Thirteen users. Names use every character that IAM allows besides letters and digits: _ + = , . @ -"""
    soon = today + datetime.timedelta(days=30)
    past = today - datetime.timedelta(days=30)
    return [
        # Users who have MFA already.
        User("olivia.brandt", "compliant", mfa=True, tags={"email": "olivia@example.com"}),
        User("marcus", "compliant", "/engineering/", mfa=True, keys=1, tags={"email": "marcus@example.com"}),
        User("yuki-tanaka", "compliant", "/engineering/platform/", mfa=True),
        # Users with a password and without MFA: to be invited.
        User("anna.schmidt", "non_compliant", "/engineering/", tags={"email": "anna@example.com"}),
        User("ben+oncall@example.com", "non_compliant", keys=1, tags={"email": "ben@example.com"}),
        User("wei,chen", "non_compliant", "/research/"),  # has no address
        # Exemptions: one in force, one permanent, one that has ended, one without a reason.
        User(
            "d_okafor",
            "exempt",
            tags={"email": "okafor@example.com", "mfa-exempt": f"{soon} waits for a hardware token"},
        ),
        User("break-glass", "exempt", tags={"mfa-exempt": "permanent sealed envelope in the safe"}),
        User(
            "eve=contractor",
            "non_compliant",
            "/partners/",
            tags={"email": "eve@partner.example", "mfa-exempt": f"{past} project ends"},
        ),
        User("frank", "non_compliant", tags={"email": "frank@example.com", "mfa-exempt": "permanent"}),
        # Users without a password: out of the scope `console`.
        User("ci-deploy", "not_applicable", "/service/", password=False, keys=1),
        User("backup", "not_applicable", "/service/", password=False, keys=2),
        User("grace", "not_applicable", password=False),  # her password was deleted when she left
    ]


def create(iam, users):
    for user in users:
        iam.create_user(
            UserName=user.name, Path=user.path, Tags=[{"Key": key, "Value": value} for key, value in user.tags.items()]
        )
        if user.password:
            iam.create_login_profile(UserName=user.name, Password="correct-Horse-7-battery")
        if user.mfa:
            device = iam.create_virtual_mfa_device(VirtualMFADeviceName=user.name)["VirtualMFADevice"]
            # The emulator takes any two codes.
            iam.enable_mfa_device(
                UserName=user.name,
                SerialNumber=device["SerialNumber"],
                AuthenticationCode1="123456",
                AuthenticationCode2="654321",
            )
        for _ in range(user.keys):
            iam.create_access_key(UserName=user.name)


def delete(iam, user):
    """Does what the console's "Delete user" does. DeleteUser alone fails while a policy is attached."""
    iam.delete_login_profile(UserName=user.name)
    for policy in iam.list_attached_user_policies(UserName=user.name)["AttachedPolicies"]:
        iam.detach_user_policy(UserName=user.name, PolicyArn=policy["PolicyArn"])
    iam.delete_user(UserName=user.name)

"""What must be found and what must not, row by row.

Every value is made up, and put together from pieces, so that no scanner of repositories takes this file for
a leak. Where each form comes from stands in `plugins/secret_scanner/rules.py`.
"""

from __future__ import annotations

from base64 import b64encode
from typing import NamedTuple


class Row(NamedTuple):
    """`text` holds `value`, which begins where `rule` finds something or inside of it."""

    rule: str
    text: str
    value: str


A16, A20, A22, A24, A28, A32, A35, A36, A40, A43, A48, A59, A64, A86, A120, A200 = (
    ("Zb1Yd2Xf3Wh4Vj5Ul6Tn7Sp8Rr9Qt0" * 8)[:size]
    for size in (16, 20, 22, 24, 28, 32, 35, 36, 40, 43, 48, 59, 64, 86, 120, 200)
)
HEX32, HEX40 = "0f1e2d3c4b5a69788796a5b4c3d2e1f0", "0f1e2d3c4b5a69788796a5b4c3d2e1f001234567"
UPPER16 = "QWERTZUIOP234567"
KEY_ID = "AKIA" + UPPER16
AWS_SECRET = "kT9vQ2xW7/" + "bN4mR8sL1cF6+gH3jD5pZ0yE2aU7tI"
JWT_HEAD = "eyJ" + "hbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
JWT = f"{JWT_HEAD}.eyJ" + f"zdWIiOiJhbm9ueW1vdXMifQ.{A43}"
JWE = "eyJ" + f"lbmMiOiJBMjU2R0NNIiwiYWxnIjoiUlNBIn0.{A86}.{A16}.{A200}.{A22}"
BASIC = b64encode(b"backup:n0t-a-real-0ne").decode()
BODY = f"{A64}\n{A64}\n{A40}"
BEGIN = "-----BEGIN "


def block(label: str, body: str = BODY) -> str:
    """A private key block, of no key."""
    return f"{BEGIN}{label}-----\n{body}\n-----END {label}-----"


PEM = block("RSA " + "PRIVATE KEY")
ACCOUNT = block("PRIVATE " + "KEY").replace("\n", "\\n") + "\\n"


def alone(rule: str, *values: str) -> list[Row]:
    """Values that show by themselves: alone, in a sentence, quoted in code."""
    return [
        Row(rule, text.replace("@", value), value)
        for value in values
        for text in ("@", "Take @, please.", "key='@'", '{"k": "@"}')
    ]


def within(rule: str, value: str, *texts: str) -> list[Row]:
    """One value in texts that tell it, at the place of `@@`."""
    return [Row(rule, text.replace("@@", value), value) for text in texts]


FOUND: list[Row] = [
    *alone("aws_access_key_id", KEY_ID, "ASIA" + UPPER16),
    *within(
        "aws_secret_access_key",
        AWS_SECRET,
        "aws_secret_access_key = @@",
        '"SecretAccessKey": "@@"',
        "the secret key is @@",
        "AWS_SECRET_ACCESS_KEY=@@",
    ),
    *within("aws_secret_access_key", A200, "aws_session_token = @@", '"SessionToken": "@@"'),
    *alone("aws_bedrock_key", "ABSK" + A120, "bedrock-api-" + f"key-{A200}"),
    *alone("google_api_key", "AIza" + A35),
    *alone("google_oauth", "GOCSPX" + f"-{A28}", "ya29" + f".{A64}"),
    *within("google_service_account", ACCOUNT[:-2], '"private_' + 'key": "@@\\n", "x": 1'),
    *within(
        "azure_storage",
        f"{A86}==",
        "AccountName=x;AccountKey" + "=@@;EndpointSuffix=core.windows.net",
        "Endpoint=sb://x/;SharedAccessKey" + "=@@",
    ),
    *within("azure_storage", f"{A43}%3D", "https://x.blob.core.windows.net/c?sv=2024&sig" + "=@@&se=2030"),
    *alone("github", *("gh" + f"{kind}_{A36}" for kind in "posur"), "github_" + f"pat_{A22}_{A59}"),
    *alone("gitlab", "glpat" + f"-{A20}", "gldt" + f"-{A20}", "glpat" + f"-{A28}.01.0z1a2b3c4d"),
    *alone("npm", "npm" + f"_{A36}"),
    *alone("pypi", "pypi-" + f"AgE{A120}"),
    *alone("docker_hub", "dckr_" + f"pat_{A28[:27]}", "dckr_" + f"oat_{A32}"),
    *alone("slack", "xoxb" + f"-210987654321-{A24}", "xoxp" + f"-1-2-3-{HEX32}", "xapp" + f"-1-A0-1-{HEX40}"),
    *within("slack_webhook", f"T0QWERTZU/B0ASDFGHJ/{A24}", "https://hooks.slack." + "com/services/@@"),
    *alone("stripe", "sk" + f"_live_{A24}", "rk" + f"_test_{A24}", "whsec" + f"_{A32}"),
    *alone("anthropic", "sk-" + f"ant-api03-{A86}AA", "sk-" + f"ant-admin01-{A86}AA"),
    *alone("openai", "sk-" + f"proj-{A48}", "sk-" + f"{A20}T3BlbkFJ{A20}", "sk-" + A48, "sk-" + HEX32),
    *alone("huggingface", "hf" + f"_{A35[:34]}"),
    *alone("penstock", "pk" + f"_{A43}"),
    *alone("twilio", "SK" + HEX32),
    *within("twilio", HEX40[8:], f"sid = AC{HEX32}\ntoken = @@", f"@@ is the token of AC{HEX32}"),
    *alone("sendgrid", f"SG.{A22}.{A43}"),
    *alone("private_key", PEM, block("PRIVATE " + "KEY"), block("OPENSSH PRIVATE " + "KEY")),
    *alone("private_key", block("PGP PRIVATE " + "KEY BLOCK", f"Version: GnuPG v2\n\n{BODY}\n=ab1Z")),
    *alone("private_key", block("EC PRIVATE " + "KEY", f"Proc-Type: 4,ENCRYPTED\n\n{BODY}")),
    *alone("private_key", PEM.replace("\n", "\\n"), PEM.partition("\n-----END")[0]),
    *alone("jwt", JWT, JWE, JWT.rpartition(".")[0] + "."),
    *within(
        "url_password",
        "app:hunter2!x",
        "postgres://@@@db.example.com:5432/app",
        "mongodb+srv://@@@cluster0.example.net/?retryWrites=true",
        "amqps://@@@broker.example.com",
        "see https://@@@example.com/x.",
    ),
    *within("url_password", ":s3cr3t-of-redis", "redis://@@@10.0.0.7:6379/0"),
    *within(
        "authorization_header",
        A40,
        "Authorization: Bearer @@",
        '"authorization": "Bearer @@"',
        "headers['Authorization'] = 'token @@'",
        "AUTHORIZATION=Bearer  @@",
        'curl -H \\"Authorization: Bearer @@\\"',
    ),
    *within("authorization_header", BASIC, "Authorization: Basic @@", "proxy-authorization: basic @@"),
]
# Each value once, in the last of its texts: in quotes, or after its name.
EACH = tuple({(row.rule, row.value): row for row in FOUND}.values())
ASSIGNED: list[Row] = within(
    "assigned_secret",
    "x7Kp-2Lq9.Zr4",
    "password = @@",
    '"client_secret": "@@"',
    "DB_PASSWORD=@@",
    "api-key: '@@'",
    "my password is @@",
    "apiKey => `@@`",
)

# Left as they are; the second says what each is.
LEFT: list[tuple[str, str]] = [
    ("AKIA" + "IOSFODNN7EXAMPLE", "AWS's own example"),
    ("AKIA" + UPPER16[:15], "one character short"),
    ("AKIA" + UPPER16 + "7", "one too many"),
    ("AKIA" + UPPER16.lower(), "lower case"),
    (AWS_SECRET, "an AWS secret without its name or its id"),
    (f"{KEY_ID[:4]} {AWS_SECRET}", "half an id beside it"),
    ("the secret key is wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY", "AWS's own example"),
    (f"secret key: {HEX40}", "a digest after the name of a secret"),
    ("AIza" + A35[:34], "one character short"),
    ("gh" + f"x_{A36}", "no prefix of GitHub's"),
    ("gh" + f"p_{A35}", "one character short"),
    ("gh" + "p_" + "x" * 36, "one sign again and again"),
    ("a" + "gh" + f"p_{A36}", "glued to a letter"),
    ("glpat-" + A16, "too short"),
    ("npm_" + "config_registry_and_other_variables_of_it", "a name"),
    ("pypi-" + A64, "no macaroon of PyPI's"),
    ("xoxb-" + "not-a-token", "too short"),
    ("https://hooks.slack." + "com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX", "Slack's example"),
    ("https://api.slack.com/messaging/webhooks", "documentation"),
    ("pk" + f"_live_{A24}", "Stripe's publishable key"),
    ("sk-" + "learn-and-other-python-packages-of-the-kind", "words"),
    ("sk-" + "YOUR_API_KEY_GOES_HERE_AND_NOT_ELSEWHERE", "a template"),
    ("SK" + HEX32.upper(), "upper case"),
    (HEX32, "a digest"),
    (f"SG.{A22}", "half a key"),
    ("-----BEGIN PUBLIC KEY-----\n" + BODY + "\n-----END PUBLIC KEY-----", "a public key"),
    ("-----BEGIN CERTIFICATE-----\n" + BODY + "\n-----END CERTIFICATE-----", "a certificate"),
    (block("PRIVATE " + "KEY", "…"), "a template"),
    (f"A file that begins with {BEGIN}RSA PRIVATE " + "KEY----- is one.", "a sentence about keys"),
    (JWT_HEAD, "a header alone"),
    (f"{JWT_HEAD}.{A40}", "two parts, of which the second is no JSON"),
    ("eyJ" + A200, "JSON in base64"),
    ("postgres://localhost:5432/app", "a port"),
    ("postgres://app@db.example.com/app", "no password"),
    ("postgres://app:${DB_PASSWORD}@db/app", "a template"),
    ("postgres://app:<password>@db/app", "a template"),
    ("mysql://user:password@localhost/x", "a word of documentation"),
    ("postgres://postgres:postgres@localhost/x", "the user's own name"),
    ("http://localhost:8080/?mail=a:b@example.com", "an address in a query"),
    ("write to http://example.com: or me@example.com", "an address after a colon"),
    ("Authorization: Bearer YOUR_ACCESS_TOKEN_HERE", "a template"),
    ("Authorization: Bearer ${TOKEN}", "a template"),
    ("Authorization: Bearer <token>", "a template"),
    ("Authorization: Basic realm", "no credentials"),
    ("Authorization: Basic " + b64encode(b"user:password").decode(), "words of documentation"),
    ("The bearer of this letter has the authorization to enter.", "prose"),
    ("password = hunter2hunter2", "a rule that is off"),
    ("https://en.wikipedia.org/wiki/Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch", "a name"),
    ("0b9c3f0e-7f3c-4f0e-9a3e-2f5b1c0d4e6a e3b0c44298fc1c149afbf4c8996fb924", "ids and digests"),
]
LEFT_ASSIGNED: list[tuple[str, str]] = [
    ("password = os.environ", "code"),
    ("password: hunter", "too short"),
    ("password = correcthorsebatterystaple", "no digit"),
    ("token=aaaaaaaaaaaa1", "no entropy"),
    ("token_url = https://a1b2c3.example.com/x9y8", "a URL"),
    ("the password is not in this file", "prose"),
    ("secret: ${SECRET_42_OF_VAULT}", "a template"),
]

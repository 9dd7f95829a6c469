"""What must be found and what must not, row by row, with where each form comes from.

Every number and key is made up, or published as an example by whoever issues the form. Keys are put
together from pieces, so that no scanner of repositories takes this file for a leak.
"""

from __future__ import annotations

from typing import NamedTuple


class Row(NamedTuple):
    """`text` as sent, and as it must leave. `region` is the deployment's `default_region`."""

    text: str
    masked: str
    source: str
    region: str = ""


A16, A20, A22, A24, A26, A32, A36, A40, A43, A48, A52, A59, A64, A84, A93, A200 = (
    ("Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9St0" * 8)[:size]
    for size in (16, 20, 22, 24, 26, 32, 36, 40, 43, 48, 52, 59, 64, 84, 93, 200)
)
HEX32, HEX64 = "0123456789abcdef" * 2, "0123456789abcdef" * 4
UPPER16 = "IOSFODNN7EXAMPLE"
JWT = (
    "eyJ" + "hbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"
    ".eyJ" + "zdWIiOiIxMjM0NTY3ODkwIiwibmFtZSI6IkpvaG4gRG9lIiwiaWF0IjoxNTE2MjM5MDIyfQ"
    ".SflKxwRJSMeKKF2QT4fwpMeJf36POk6yJV_adQssw5c"
)
JWE = "eyJhbGciOiJSU0EtT0FFUCJ9.OKOawDo13gRp2ojaHV7LFpZcgV7T.48V1_ALb6US04U3b.5eym8TW_c8Su.XFBoMYUZodetZdvT"
PEM = "-----BEGIN RSA " + f"PRIVATE KEY-----\n{A64}\n{A64}\n-----END RSA PRIVATE KEY-----"
PGP = "-----BEGIN PGP " + f"PRIVATE KEY BLOCK-----\n\n{A64}\n=ab12\n-----END PGP PRIVATE KEY BLOCK-----"
AWS_SECRET = "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY"  # IAM User Guide's example


def whole(kind: str, source: str, *texts: str, region: str = "") -> list[Row]:
    """Rows of which everything is one find, alone and in a sentence."""
    placeholder = f"<{kind}>"
    alone = [Row(text, placeholder, source, region) for text in texts]
    return alone + [
        Row(f"Take {text}, please.", f"Take {placeholder}, please.", source, region) for text in texts[:1]
    ]


EMAILS = [
    *whole(
        "email", "RFC 5322, section 3.4.1", "john@example.com", "j@x.io", "a.b-c_d+tag@mail.example.co.uk"
    ),
    *whole("email", "RFC 5321, section 4.5.3.1: 64 octets", "a" * 64 + "@example.com"),
    *whole(
        "email", "RFC 6531: letters beyond ASCII", "josé@example.com", "иван@почта.рф", "δοκιμή@παράδειγμα.gr"
    ),
    *whole("email", "RFC 3492: punycode", "info@xn--bcher-kva.example", "a@xn--80a1acny.xn--p1ai"),
    *whole("email", "RFC 3986: percent-encoded sign", "john%40example.com"),
    *whole(
        "email",
        "usual ways to hide one from harvesters",
        "john (at) example (dot) com",
        "john[at]example.com",
    ),
    *whole("email", "homoglyphs, UTS #39", "john＠example．com", "john@еxample.com", "john﹫example｡com"),
    Row("<john@example.com>", "<<email>>", "RFC 5322: angle brackets"),
    Row("mailto:john@example.com?subject=x", "mailto:<email>?subject=x", "RFC 6068"),
    Row("'john@example.com'", "'<email>'", "quoted in code"),
    Row("email=john@example.com&x=1", "email=<email>&x=1", "form encoding"),
    Row("请联系john@example.com谢谢", "请联系<email>谢谢", "a script without spaces"),
    Row("a@b.com, c@d.org; e@f.net", "<email>, <email>; <email>", "a list"),
    Row("see john@example.com.", "see <email>.", "the end of a sentence"),
    Row("postgres://u:pw@db.example.com/x", "postgres://u:<email>/x", "RFC 3986: a password in a URL"),
]
CARDS = [
    *whole(
        "card", "Stripe's test cards: Visa", "4242424242424242", "4242 4242 4242 4242", "4000-0566-5566-5556"
    ),
    *whole("card", "PayPal's test cards: Visa of 13 digits", "4222222222222"),
    *whole(
        "card",
        "Stripe's test cards: Mastercard",
        "5555555555554444",
        "2223003122003222",
        "5105 1051 0510 5100",
    ),
    *whole("card", "Stripe's test cards: American Express", "378282246310005", "3714 496353 98431"),
    *whole("card", "Stripe's test cards: Discover", "6011111111111117", "6011 0009 9013 9424"),
    *whole(
        "card", "Stripe's test cards: Diners Club", "3056930009020004", "36227206271667", "30569309025904"
    ),
    *whole("card", "Stripe's test cards: JCB", "3566002020360505", "3530 1113 3330 0000"),
    *whole("card", "Stripe's test cards: UnionPay", "6200000000000005", "6200000000000047"),
    *whole("card", "Worldpay's test cards: Maestro", "6759649826438453", "6304000000000000"),
    *whole("card", "ISO/IEC 7812-1: nineteen digits", "6212345678900000003", "4000000000000000006"),
    *whole(
        "card", "one separator for each digit", "4 2 4 2 4 2 4 2 4 2 4 2 4 2 4 2", "4.2.4.2-4242_4242/4242"
    ),
    *whole(
        "card",
        "zero-width characters",
        "4242\u200b4242\u200c4242\u200d4242",
        "\u200b4242\u20604242\ufeff42424242"[1:],
    ),
    *whole("card", "soft hyphens and direction marks", "4242\u00ad4242\u200e4242\u202a4242\u202c"),
    *whole(
        "card",
        "digits of other scripts, General_Category=Nd",
        "４２４２４２４２４２４２４２４２",
        "٤٢٤٢٤٢٤٢٤٢٤٢٤٢٤٢",
    ),
    *whole(
        "card", "mathematical digits, U+1D7CE", "".join(chr(0x1D7CE + int(d)) for d in "4242424242424242")
    ),
    *whole("card", "circled and superscript digits", "④②④②④②④②④②④②④②④②", "⁴²⁴²⁴²⁴²⁴²⁴²⁴²⁴²"),
    *whole("card", "keycaps: digit, VS16, U+20E3", "".join(f"{d}\ufe0f\u20e3" for d in "4242424242424242")),
    *whole("card", "combining marks", "".join(f"{d}\u0336" for d in "4242424242424242")),
    *whole(
        "card",
        "dashes and spaces that look the same",
        "4242–4242—4242−4242",
        "4242\u00a04242\u20094242\u30004242",
    ),
    Row(
        "x" + "".join(chr(0xE0000 + ord(d)) for d in "4242424242424242") + "x",
        "x<card>x",
        "tag characters, U+E0030",
    ),
    Row("42,4242424242424242,John", "42,<card>,John", "a line of CSV"),
    Row("ref 12 4242 4242 4242 4242 34", "ref 12 <card> 34", "numbers beside it"),
    Row("pan:4242424242424242;cvc=123", "pan:<card>;cvc=123", "key and value"),
]
IBANS = [
    *whole("iban", "SWIFT IBAN Registry: Germany", "DE89370400440532013000", "DE89 3704 0044 0532 0130 00"),
    *whole(
        "iban", "SWIFT IBAN Registry: United Kingdom", "GB29NWBK60161331926819", "GB29 NWBK 6016 1331 9268 19"
    ),
    *whole("iban", "SWIFT IBAN Registry: France", "FR1420041010050500013M02606"),
    *whole("iban", "SWIFT IBAN Registry: Spain", "ES9121000418450200051332"),
    *whole("iban", "SWIFT IBAN Registry: Italy", "IT60X0542811101000000123456"),
    *whole("iban", "SWIFT IBAN Registry: Netherlands", "NL91ABNA0417164300"),
    *whole("iban", "SWIFT IBAN Registry: Belgium", "BE68539007547034"),
    *whole("iban", "SWIFT IBAN Registry: Austria", "AT611904300234573201"),
    *whole("iban", "SWIFT IBAN Registry: Switzerland", "CH9300762011623852957"),
    *whole("iban", "SWIFT IBAN Registry: Poland", "PL61109010140000071219812874"),
    *whole("iban", "SWIFT IBAN Registry: Sweden", "SE4550000000058398257466"),
    *whole("iban", "SWIFT IBAN Registry: Norway, the shortest", "NO9386011117947"),
    *whole("iban", "SWIFT IBAN Registry: Malta, among the longest", "MT84MALT011000012345MTLCAST001S"),
    *whole("iban", "SWIFT IBAN Registry: Saudi Arabia", "SA0380000000608010167519"),
    *whole("iban", "SWIFT IBAN Registry: Brazil", "BR1800360305000010009795493C1"),
    *whole(
        "iban",
        "in lower case, by dashes, zero-width",
        "de89-3704-0044-0532-0130-00",
        "D\u200bE89370400440532013000",
    ),
    Row("IBANDE89370400440532013000", "IBAN<iban>", "written without a space"),
]
KEYS = [
    *whole("key", "IAM User Guide: access key ids", "AKIA" + UPPER16, "ASIA" + UPPER16),
    Row(
        f"aws_secret_access_key = {AWS_SECRET}", "aws_secret_access_key = <key>", "AWS CLI: credentials file"
    ),
    Row(f'"SecretAccessKey": "{AWS_SECRET}"', '"SecretAccessKey": "<key>"', "AWS STS: answer"),
    Row(f"the secret key is {AWS_SECRET}", "the secret key is <key>", "in a sentence"),
    Row(f"AKIA{UPPER16},{AWS_SECRET}", "<key>,<key>", "IAM console: accessKeys.csv"),
    Row(f"AWS_SESSION_TOKEN={A200}", "AWS_SESSION_TOKEN=<key>", "AWS CLI: environment"),
    *whole("key", "GitHub Docs: token formats", *("gh" + kind + "_" + A36 for kind in "pousr")),
    *whole("key", "GitHub Docs: fine-grained tokens", "github_" + f"pat_{A22}_{A59}"),
    *whole("key", "GitLab Docs: token prefixes", "glpat" + f"-{A20}", "gldt" + f"-{A20}"),
    *whole(
        "key",
        "Slack API: token types",
        "xoxb" + "-123456789012-1234567890123-" + A24,
        "xapp" + f"-1-A012-12-{HEX64}",
    ),
    Row(
        f"https://hooks.slack.com/services/T00000000/B00000000/{A24}",
        "https://<key>",
        "Slack API: incoming webhooks",
    ),
    *whole(
        "key",
        "OpenAI: project and older keys",
        "sk-" + f"proj-{A48}",
        "sk-" + f"{A20}T3BlbkFJ{A20}",
        "sk-" + A48,
    ),
    *whole("key", "Anthropic: API keys", "sk-" + f"ant-api03-{A93}AA"),
    *whole(
        "key",
        "OpenRouter, Groq, xAI, Hugging Face",
        "sk-" + f"or-v1-{HEX64}",
        "gsk" + f"_{A52}",
        "xai" + f"-{A84}",
        "hf" + f"_{A36}",
    ),
    *whole("key", "Google Cloud: API keys", "AIza" + ("Sy" + A36)[:35]),
    *whole(
        "key", "Google: OAuth client secrets, access tokens", "GOCSPX" + f"-{A32[:28]}", "ya29" + f".{A64}"
    ),
    *whole("key", "Stripe Docs: API keys", "sk" + f"_live_{A24}", "rk" + f"_test_{A24}", "whsec" + f"_{A32}"),
    Row(f"AccountName=x;AccountKey={A84}ab==;", "AccountName=x;<key>;", "Azure Storage: connection strings"),
    Row(f"?sv=2024&sig={A43}%3D&x", "?sv=2024&<key>&x", "Azure Storage: shared access signatures"),
    *whole("key", "Microsoft Entra ID: client secrets", "ab~8Q~" + A32 + "xy"),
    *whole("key", "Azure: annotated keys", f"{A52}JQQJ99{A26}"),
    *whole("key", "Penstock's own API keys", "pk" + f"_{A43}"),
    *whole(
        "key",
        "npm, PyPI, Docker, SendGrid",
        "npm" + f"_{A36}",
        "pypi-" + f"AgE{A64}",
        "dckr_" + f"pat_{A32}",
        f"SG.{A22}.{A43}",
    ),
    *whole(
        "key",
        "DigitalOcean, Vault, Databricks, Shopify",
        "dop_" + f"v1_{HEX64}",
        "hvs" + f".{A32}",
        "dapi" + HEX32,
        "shpat" + f"_{HEX32}",
    ),
    *whole("key", "RFC 7468: private keys", PEM, PEM.replace("RSA ", ""), PEM.replace("\n", "\\n")),
    *whole("key", "RFC 4880, section 6.2", PGP),
    Row(PEM.partition("\n-----END")[0], "<key>", "a private key without its end"),
    Row("\\n" + "AKIA" + UPPER16, "\\n<key>", "an escape that was not decoded"),
    Row("AK\u200bIA" + UPPER16, "<key>", "zero-width characters in it"),
]
JWTS = [
    *whole("jwt", "RFC 7519, section 3.1, and jwt.io", JWT),
    *whole("jwt", "RFC 7516: five parts", JWE),
    Row(f"Authorization: Bearer {JWT}", "Authorization: Bearer <jwt>", "RFC 6750"),
    Row(f"token={JWT}&x", "token=<jwt>&x", "in a query"),
]
PHONES = [
    *whole(
        "phone",
        "ITU-T E.123: international notation",
        "+49 30 901820",
        "+44 20 7946 0958",
        "+33 6 12 34 56 78",
    ),
    *whole("phone", "ITU-T E.164", "+4915112345678", "+12025550143", "+819012345678", "+8613800138000"),
    *whole("phone", "ITU-T E.123 with brackets", "+1 (555) 123-4567", "+49 (0)30 901820"),
    *whole("phone", "international prefix 00", "0049 30 901820", "0033612345678"),
    *whole(
        "phone",
        "zero-width characters, other digits",
        "+49\u200b151\u200b12345678",
        "＋４９ １５１ １２３４５６７８",
    ),
    Row("tel:+1-202-555-0143", "tel:<phone>", "RFC 3966"),
    *whole(
        "phone", "NANP, 555-01XX for examples", "(212) 555-0143", "212-555-0143", "212.555.0143", region="US"
    ),
    Row("call 2125550143 now", "call <phone> now", "NANP, told by a word", "US"),
    Row("12345 212-555-0143", "12345 <phone>", "a number before it", "US"),
    Row("+49 30 901820 (212) 555-0143", "<phone> <phone>", "two numbers", "US"),
    *whole(
        "phone",
        "Bundesnetzagentur: numbering plan",
        "030 901820",
        "0151 12345678",
        "015112345678",
        region="DE",
    ),
    *whole("phone", "Ofcom: numbering plan", "020 7946 0958", region="GB"),
    *whole("phone", "ARCEP: numbering plan", "06 12 34 56 78", "01.23.45.67.89", region="FR"),
    *whole("phone", "CNMC: numbering plan", "612 345 678", region="ES"),
]
FOUND = [*EMAILS, *CARDS, *IBANS, *KEYS, *JWTS, *PHONES]

# Left as it is, whatever the region. The source says what it is.
LEFT: list[tuple[str, str]] = [
    ("0b9c3f0e-7f3c-4f0e-9a3e-2f5b1c0d4e6a", "RFC 9562: UUID"),
    ("12345678-1234-4234-8234-123456789012", "RFC 9562: a UUID of digits alone"),
    ("01890a5d-ac96-774b-bcce-b302099a8057", "RFC 9562: UUIDv7"),
    ("da39a3ee5e6b4b0d3255bfef95601890afd80709", "Git: commit"),
    ("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", "SHA-256"),
    ("a4242424242424242b0123456789abcdef", "digits that pass Luhn, in a digest"),
    ("4242424242424241", "Luhn fails"),
    ("4111 1111 1111 1112", "Luhn fails"),
    ("1234567890123452", "Luhn holds, no brand"),
    ("Order 20241103-99182", "order number"),
    ("Invoice 4711-0815", "invoice number"),
    ("42424242424242424242424242", "sixteen digits inside more"),
    ("978-3-16-148410-0", "ISBN-13"),
    ("0-306-40615-2", "ISBN-10"),
    ("4006381333931", "EAN-13 of a German product"),
    ("1Z999AA10123456784", "UPS tracking number"),
    ("2024-11-03", "ISO 8601 date"),
    ("2024-11-03T12:34:56.789+02:00", "ISO 8601 instant"),
    ("03.11.2024 12:30 - 04.11.2024 13:45", "German dates"),
    ("11/03/2024", "American date"),
    ("1700000000", "Unix time in seconds"),
    ("1700000000000000000", "Unix time in nanoseconds"),
    ("192.168.100.200", "IPv4"),
    ("10.0.0.1:8080", "IPv4 and port"),
    ("255.255.255.255", "IPv4"),
    ("2001:db8:85a3::8a2e:370:7334", "IPv6"),
    ("00:1b:44:11:3a:b7", "MAC address"),
    ("v1.2.3-beta.4+build.5", "semantic version"),
    ("Python 3.13.1, Node 22.11.0", "versions"),
    ("$1,299.00 and €2.499,99", "prices"),
    ("1,234,567,890", "a number with thousands"),
    ("3.141592653589793", "pi"),
    ("+3.14159265", "signed decimals"),
    ("0.4242424242424242", "a float that passes Luhn"),
    ("[0.5555555555554444, -0.4242424242424242]", "an embedding that passes Luhn"),
    ("1e10 6.02214076e23", "scientific notation"),
    ("x = a[i] @ b[j]", "Python: matrix product"),
    ("@app.route('/x')", "Python: decorator"),
    ("npm i @types/node@22.9.0 react@18.3.1", "npm: packages"),
    ("pip install pkg@1.2.3-rc.next", "a version after an at sign"),
    ("logo@2x.png icon@3x.webp", "image scales"),
    ("git@github.com:org/repo.git", "Git: SSH remote"),
    ("meet @ noon, me@home", "at signs without a domain"),
    ("root@localhost", "no top-level domain"),
    ("a@b", "no top-level domain"),
    ("10% off, 50 @ $3.20 each", "shop's at sign"),
    ("look_up(at=3)", "code"),
    ("for i in range(10): print(i)", "code"),
    ("sk-learn and sk-image", "words that begin like keys"),
    ("task-list-for-the-project-manager", "a word that holds sk-"),
    ("sk-very-long-kebab-case-identifier-name", "a class name"),
    ("AKIA is a prefix", "an anchor alone"),
    ("gh" + "p_short", "an anchor with too little"),
    ("eyJhbGciOiJIUzI1NiJ9", "one part of a token"),
    ("-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----", "RFC 7468: a public key"),
    ("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "RFC 7468: a certificate"),
    ("pk" + "_live_" + "x" * 24, "Stripe Docs: publishable keys are public"),
    ("pk" + "_live_" + "x" * 99, "Stripe Docs: publishable keys are public"),
    ("DE00370400440532013000", "IBAN: check digits fail"),
    ("at 10 the meeting starts with us and all of them", "words like a country's code"),
    ("be 12 or no 93 of them, me 25", "words like a country's code"),
    ("GB12 is a row, DE13 is a cell", "cells of a sheet"),
    ("ATTENTION: ROW 12 COLUMN 34", "capitals and digits"),
    ("12 34 56 78 90", "a column of figures"),
    ("1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16", "counting"),
    ("2020 2021 2022 2023 2024 2025", "years"),
    ("80 443 8080 5432 6379", "ports"),
    ("lat 52.520008, lon 13.404954", "coordinates"),
    ("#1234567890", "a ticket"),
    ("id=5551234567890123", "an id that fails Luhn"),
    ("+1.5", "a signed number"),
    ("GMT+0530", "a time zone"),
    ("UTC+01:00", "a time zone"),
    ("C++11, F#4.0", "languages"),
    ("(555) and [123]", "brackets"),
    ("日本語のテキスト、数字は一二三四五", "Japanese"),
    ("नमस्ते दुनिया ١٢٣", "Hindi, and three Arabic digits"),
    ("👩‍💻🏳️‍🌈 café naïve", "emoji with joiners, accents"),
    ("<email> and <card_1>", "placeholders of an earlier run"),
]

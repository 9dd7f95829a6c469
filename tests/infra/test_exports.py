from __future__ import annotations

from tests.infra.conftest import CONFIGURATIONS
from tests.infra.template import Assembly, Template, plain


def test_who_may_leave_objects_is_told_where_and_nobody_else_is(compute: Template) -> None:
    functions = compute.named("Lambda::Function", "FunctionName")
    told = {
        name: made["Environment"]["Variables"].get("PENSTOCK_EXPORTS_BUCKET")
        for name, made in functions.items()
    }
    assert {name for name, bucket in told.items() if bucket} == {"stacktest-plugin-keeper"}
    assert plain(told["stacktest-plugin-keeper"]) == "stacktest-exports-123456789012-eu-central-1"


def test_the_bucket_is_private_keeps_versions_and_takes_new_objects_only(template: Template) -> None:
    made = template.about("ExportsBucket")
    bucket, policy = made["S3::Bucket"], made["S3::BucketPolicy"]
    assert plain(bucket["BucketName"]) == "stacktest-exports-123456789012-eu-central-1"
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    refused = {s.get("Sid"): s for s in policy["PolicyDocument"]["Statement"]}["OnlyNewObjects"]
    assert (refused["Effect"], refused["Action"]) == ("Deny", "s3:PutObject")
    assert refused["Condition"] == {"Null": {"s3:if-none-match": "true"}}


def test_where_no_plugin_leaves_anything_there_is_no_bucket_for_it(assemblies: dict[str, Assembly]) -> None:
    for name in CONFIGURATIONS:
        stacks = assemblies[name].stacks().values()
        buckets = {plain(n) for stack in stacks for n in stack.named("S3::Bucket", "BucketName")}
        assert any("-exports-" in bucket for bucket in buckets) is (name in {"test", "vendors"})

using Katib.Coordinator.Manifests;

namespace Katib.Coordinator.Tests.Manifests;

public sealed class CoreSchemaTests
{
    [Theory]
    [InlineData("12", "12")]
    [InlineData("+012", "12")]
    [InlineData("-0", "-0")]
    [InlineData("0o17", "15")]
    [InlineData("0xfF", "255")]
    [InlineData(".5", "0.5")]
    [InlineData("5.", "5")]
    [InlineData("-00.50", "-0.50")]
    [InlineData("1e-3", "1e-3")]
    [InlineData("1E+3", "1E+3")]
    [InlineData("123456789012345678901234567890", "123456789012345678901234567890")]
    [InlineData("true", "true")]
    [InlineData("FALSE", "false")]
    [InlineData("~", null)]
    [InlineData("Null", null)]
    [InlineData("", null)]
    [InlineData("yes", "\"yes\"")]
    [InlineData("off", "\"off\"")]
    [InlineData("tRue", "\"tRue\"")]
    [InlineData("1_000", "\"1_000\"")]
    [InlineData("0x", "\"0x\"")]
    [InlineData("1.2.3", "\"1.2.3\"")]
    [InlineData("-", "\"-\"")]
    [InlineData("1e", "\"1e\"")]
    [InlineData("12:30:45", "\"12:30:45\"")]
    [InlineData(".nan", "\".nan\"")]
    [InlineData("-.inf", "\"-.inf\"")]
    [InlineData("0x11112222333344445", "\"0x11112222333344445\"")]
    [InlineData("٣", "\"\\u0663\"")]
    public void Unquoted_text_is_what_the_core_schema_says(string text, string? json)
    {
        var node = new ManifestScalar(1, text, CoreSchema.Resolve(text));

        Assert.Equal(json, node.ToJson()?.ToJsonString());
    }
}

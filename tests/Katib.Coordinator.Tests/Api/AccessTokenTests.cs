using Katib.Coordinator.Api;
using Katib.Coordinator.Host;
using Microsoft.Extensions.Options;

namespace Katib.Coordinator.Tests.Api;

public sealed class AccessTokenTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("katib-token-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_file_that_is_not_there_is_made_for_its_owner_alone_and_kept()
    {
        var options = new CoordinatorOptions { TokenFile = Path.Combine(_folder, "token") };

        _ = AccessToken.Of(options);
        var text = File.ReadAllText(options.TokenFile).Trim();
        var again = AccessToken.Of(options);

        Assert.Equal(64, text.Length);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(options.TokenFile));
        }

        Assert.True(again.Matches(text));
        Assert.Equal([options.TokenFile], Directory.EnumerateFiles(_folder));
    }

    [Fact]
    public void Two_files_have_two_tokens()
    {
        var tokens = new[] { "one", "two" }.Select(name =>
        {
            var file = Path.Combine(_folder, name);
            _ = AccessToken.Of(new() { TokenFile = file });
            return File.ReadAllText(file);
        });

        Assert.Equal(2, tokens.Distinct().Count());
    }

    [Theory]
    [InlineData("a-token-of-some-length", true)]
    [InlineData("a-token-of-some-lengtH", false)]
    [InlineData("a-token-of-some-length2", false)]
    [InlineData("", false)]
    public void Only_the_whole_token_matches(string given, bool matches) =>
        Assert.Equal(matches, new AccessToken("a-token-of-some-length").Matches(given));

    [Theory]
    [InlineData("")]
    [InlineData("short")]
    [InlineData("a token with spaces in it")]
    [InlineData("ein-töken-mit-umlaut")]
    public void A_file_without_a_good_token_is_refused(string text)
    {
        var file = Path.Combine(_folder, "token");
        File.WriteAllText(file, text);

        var refusal = Assert.Throws<OptionsValidationException>(() => AccessToken.Of(new() { TokenFile = file }));

        Assert.Contains(file, refusal.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(text.Length > 0 ? text : "\0", refusal.Message, StringComparison.Ordinal);
    }
}

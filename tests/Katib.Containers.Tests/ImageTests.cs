using System.Text.Json.Nodes;
using Katib.Driver;

namespace Katib.Containers.Tests;

/// <summary>The images as an operator judges them.</summary>
public sealed class ImageTests(Images images)
{
    /// <summary>What an algorithm's image may add to its base, in bytes.</summary>
    private const long OwnLayers = 25 * 1024 * 1024;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [MemberData(nameof(Images.All), MemberType = typeof(Images))]
    public async Task An_image_says_what_it_is_and_runs_without_rights(string image)
    {
        await images.BuiltAsync();

        var config = await ConfigAsync($"{image}:test");

        var labels = config["Labels"]!;
        Assert.StartsWith("Katib.", (string?)labels["org.opencontainers.image.title"], StringComparison.Ordinal);
        Assert.NotEmpty((string?)labels["org.opencontainers.image.description"] ?? "");
        Assert.Equal(Recipes.Version, (string?)labels["org.opencontainers.image.version"]);
        Assert.Equal(Compose.Revision, (string?)labels["org.opencontainers.image.revision"]);
        Assert.NotNull(labels["org.opencontainers.image.source"]);
        Assert.Equal("Apache-2.0", (string?)labels["org.opencontainers.image.licenses"]);
        Assert.True(int.Parse((string)config["User"]!, System.Globalization.CultureInfo.InvariantCulture) > 0);
        Assert.StartsWith("/app/", (string?)Assert.Single(config["Entrypoint"]!.AsArray()), StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Images.Algorithms), MemberType = typeof(Images))]
    public async Task An_algorithm_adds_at_most_25_MB_to_its_base(string algorithm)
    {
        await images.BuiltAsync();

        var own = await SizeAsync(Images.Of(algorithm)) - await SizeAsync("mcr.microsoft.com/dotnet/runtime-deps:10.0-noble-chiseled");

        TestContext.Current.SendDiagnosticMessage("{0}: {1} bytes of its own", algorithm, own);
        Assert.InRange(own, 1, OwnLayers);
    }

    /// <summary>Where the shell lies there is an empty folder, as in the chiseled images there is nothing.</summary>
    [Theory]
    [MemberData(nameof(Images.Algorithms), MemberType = typeof(Images))]
    public async Task A_service_is_healthy_without_a_shell_and_with_nothing_to_write_to_and_stops_when_told(string algorithm)
    {
        await images.BuiltAsync();
        var container = await DockerCommand.RunAsync(
            Token,
            "run", "--detach", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--network=none",
            "--tmpfs=/usr/bin", "--tmpfs=/usr/sbin", Images.Of(algorithm));
        try
        {
            await Until.HoldsAsync("the container is healthy", async () =>
                await InspectAsync(container, ".State.Health.Status") is "healthy");
            _ = await DockerCommand.RunAsync(Token, "exec", container, "/app/service", "--probe");
            _ = await DockerCommand.RunAsync(Token, "stop", container);

            Assert.Equal("0", await InspectAsync(container, ".State.ExitCode"));
        }
        finally
        {
            _ = await DockerCommand.RunAsync(CancellationToken.None, "rm", "--force", container);
        }
    }

    [Fact]
    public async Task The_command_says_its_version()
    {
        await images.BuiltAsync();

        var version = await DockerCommand.RunAsync(Token, "run", "--rm", "--read-only", "--network=none", "katib:test", "--version");

        Assert.Equal($"{Recipes.Version}+{Compose.Revision}", version);
    }

    private static async Task<JsonNode> ConfigAsync(string image) =>
        JsonNode.Parse(await DockerCommand.RunAsync(Token, "image", "inspect", "--format", "{{json .Config}}", image))!;

    private static async Task<long> SizeAsync(string image) => long.Parse(
        await DockerCommand.RunAsync(Token, "image", "inspect", "--format", "{{.Size}}", image),
        System.Globalization.CultureInfo.InvariantCulture);

    private static Task<string> InspectAsync(string container, string field) =>
        DockerCommand.RunAsync(Token, "inspect", "--format", $"{{{{{field}}}}}", container);
}

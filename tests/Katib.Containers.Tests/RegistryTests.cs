using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Katib.Driver;

namespace Katib.Containers.Tests;

/// <summary>services/build-images against the distribution's registry on loopback.</summary>
public sealed class RegistryTests(Images images) : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("katib-registry-").FullName;
    private readonly string _address = $"127.0.0.1:{FreePort()}";
    private Process? _registry;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        if (!Command.Exists("docker-registry"))
        {
            return;
        }

        var config = Path.Combine(_folder, "config.yml");
        await File.WriteAllTextAsync(config, $$"""
            version: 0.1
            log: { level: error }
            storage: { filesystem: { rootdirectory: {{_folder}}/registry } }
            http: { addr: {{_address}} }
            """);
        _registry = Command.Start(new Dictionary<string, string>(), "docker-registry", "serve", config);
        _ = _registry.StandardOutput.BaseStream.CopyToAsync(Stream.Null);
        _ = _registry.StandardError.BaseStream.CopyToAsync(Stream.Null);
    }

    [Fact]
    public async Task Build_images_pushes_every_image_and_prints_the_fragment_of_katib_config_that_names_them()
    {
        Assert.SkipUnless(TestSize.IsFull, "Every image is built once more: with KATIB_TEST_SIZE=full.");
        Assert.SkipUnless(_registry is not null, "The package docker-registry is not installed.");
        await images.BuiltAsync();
        using var registry = new HttpClient { BaseAddress = new($"http://{_address}") };
        await Until.HoldsAsync("the registry answers", async () => await AnswersAsync(registry));

        var built = (await Command.RunAsync(
            new Dictionary<string, string> { ["REVISION"] = Compose.Revision },
            Path.Combine(Command.Repository, "services", "build-images"),
            $"{_address}/team",
            "9.8.7")).Expect(0);

        var fragment = Recipes.Parse(built.Output).Single();
        Assert.Equal(
            [
                ("random", $"{_address}/team/katib-suggestion-random:9.8.7"),
                ("grid", $"{_address}/team/katib-suggestion-grid:9.8.7"),
                ("bayesianoptimization", $"{_address}/team/katib-suggestion-bayesian:9.8.7"),
            ],
            fragment["runtime"]!["suggestions"]!.AsArray().Select(static s => ((string)s!["algorithmName"]!, (string)s["image"]!)));
        Assert.Equal(
            [("medianstop", $"{_address}/team/katib-earlystopping-medianstop:9.8.7"), ("asha", $"{_address}/team/katib-earlystopping-medianstop:9.8.7")],
            fragment["runtime"]!["earlyStoppings"]!.AsArray().Select(static s => ((string)s!["algorithmName"]!, (string)s["image"]!)));
        Assert.Equal(
            Images.All.Select(static i => $"team/{i.Data}").Order(StringComparer.Ordinal),
            (await JsonAsync(registry, "v2/_catalog"))["repositories"]!.AsArray().Select(static r => (string)r!)
                .Order(StringComparer.Ordinal));
        Assert.Equal(
            ["9.8.7", "9.8.7-x64-v2"],
            (await JsonAsync(registry, "v2/team/katib-suggestion-bayesian/tags/list"))["tags"]!.AsArray()
                .Select(static t => (string)t!).Order(StringComparer.Ordinal));
        await AssertServesAsync($"{_address}/team/katib-suggestion-random:9.8.7");
        await AssertServesAsync($"{_address}/team/katib-suggestion-bayesian:9.8.7-x64-v2");
    }

    public async ValueTask DisposeAsync()
    {
        if (_registry is not null)
        {
            _registry.Kill(entireProcessTree: true);
            await _registry.WaitForExitAsync();
            _registry.Dispose();
            foreach (var image in Images.All)
            {
                _ = await Command.RunAsync("docker", "image", "rm", $"{_address}/team/{image.Data}:9.8.7");
            }

            _ = await Command.RunAsync("docker", "image", "rm", $"{_address}/team/katib-suggestion-bayesian:9.8.7-x64-v2");
        }

        Directory.Delete(_folder, recursive: true);
    }

    /// <summary>What the registry holds is what serves: the image that was built here is forgotten first.</summary>
    private static async Task AssertServesAsync(string image)
    {
        _ = await DockerCommand.RunAsync(Token, "image", "rm", image);
        _ = await DockerCommand.RunAsync(Token, "pull", "--quiet", image);
        await using var service = await ContainerReplica.StartAsync(image, Token);
    }

    private static async Task<bool> AnswersAsync(HttpClient registry)
    {
        try
        {
            return (await registry.GetAsync(new Uri("v2/", UriKind.Relative), Token)).IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static async Task<JsonNode> JsonAsync(HttpClient registry, string path) =>
        JsonNode.Parse(await registry.GetStringAsync(new Uri(path, UriKind.Relative), Token))!;

    private static string FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
    }
}

using Grpc.Core;
using Grpc.Net.Client;
using Katib.Driver;
using Wire = Api.V1.Beta1;

namespace Katib.Containers.Tests;

/// <summary>The manifests on a real cluster, whichever KUBECONFIG names; its nodes run on this machine's Docker.</summary>
public sealed class ClusterTests(Images images)
{
    private const string Namespace = "katib-containers-test";

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static string? Missing =>
        !Command.Exists("kubectl") ? "kubectl is not installed."
        : Environment.GetEnvironmentVariable("KUBECONFIG") is not { Length: > 0 } ? "KUBECONFIG names no cluster."
        : null;

    [Fact]
    public async Task The_manifests_bring_up_every_service_and_each_answers_through_its_Service()
    {
        Assert.SkipUnless(Missing is null, Missing ?? "");
        await images.BuiltAsync();
        var folder = Directory.CreateTempSubdirectory("katib-manifests-").FullName;
        try
        {
            await CopyAsync(folder);
            _ = (await KubectlAsync("create", "namespace", Namespace)).Expect(0);
            _ = (await KubectlAsync("apply", "--namespace", Namespace, "-k", folder)).Expect(0);
            foreach (var (name, algorithm) in new[]
            {
                ("random", "random"), ("grid", "grid"), ("bayesian", "bayesianoptimization"),
            })
            {
                _ = (await KubectlAsync(
                    "rollout", "status", "--namespace", Namespace, "--timeout", "3m", $"deployment/suggestion-{name}")).Expect(0);
                await AssertAnswersAsync($"suggestion-{name}", algorithm);
            }

            _ = (await KubectlAsync(
                "rollout", "status", "--namespace", Namespace, "--timeout", "3m", "deployment/earlystopping-medianstop")).Expect(0);
        }
        finally
        {
            _ = await KubectlAsync("delete", "namespace", Namespace, "--ignore-not-found");
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The manifests with the images of these tests in place of a registry's: the edit that an operator makes.</summary>
    private static async Task CopyAsync(string folder)
    {
        foreach (var file in Directory.EnumerateFiles(Path.Combine(Command.Repository, "services", "manifests")))
        {
            var text = await File.ReadAllTextAsync(file, Token);
            await File.WriteAllTextAsync(
                Path.Combine(folder, Path.GetFileName(file)),
                text.Replace("ghcr.io/you/", "", StringComparison.Ordinal)
                    .Replace($"newTag: {Recipes.Version}", "newTag: test", StringComparison.Ordinal),
                Token);
        }
    }

    private static async Task AssertAnswersAsync(string service, string algorithm)
    {
        var address = (await KubectlAsync(
            "get", "service", service, "--namespace", Namespace, "--output", "jsonpath={.spec.clusterIP}:{.spec.ports[0].port}"))
            .Expect(0).Output;
        using var channel = GrpcChannel.ForAddress($"http://{address}");
        var client = new Wire.Suggestion.SuggestionClient(channel);
        var experiment = WideExperiment.Of(algorithm, parameters: 4, trials: 10, parallel: 3);
        var options = new CallOptions(cancellationToken: Token).WithWaitForReady();

        _ = await client.ValidateAlgorithmSettingsAsync(new() { Experiment = experiment }, options);
        var reply = await client.GetSuggestionsAsync(
            new() { Experiment = experiment, CurrentRequestNumber = 3, TotalRequestNumber = 3 }, options);

        Assert.Equal(3, reply.ParameterAssignments.Count);
    }

    private static Task<Said> KubectlAsync(params string[] arguments) => Command.RunAsync("kubectl", arguments);
}

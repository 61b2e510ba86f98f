using System.Text.Json.Nodes;

namespace Katib.Containers.Tests;

/// <summary>What is wrong with a recipe can be seen without following it.</summary>
public sealed class RecipeTests
{
    public static TheoryData<string> Deployments =>
        ["suggestion-random", "suggestion-grid", "suggestion-bayesian", "earlystopping-medianstop"];

    [Fact]
    public void Images_and_manifests_have_the_version_of_the_programs()
    {
        var tags = Recipes.Parse(Recipes.Read("services/manifests/kustomization.yaml")).Single()["images"]!.AsArray()
            .Select(static image => (string?)image!["newTag"]);

        Assert.Contains($"\nARG VERSION={Recipes.Version}\n", Recipes.Read("services/Dockerfile"), StringComparison.Ordinal);
        Assert.Equal([Recipes.Version], tags.Distinct());
    }

    [Theory]
    [MemberData(nameof(Deployments))]
    public void A_pod_keeps_to_the_restricted_profile_and_to_Katibs_resources(string name)
    {
        var pod = PodOf(name);

        var container = Assert.Single(pod["containers"]!.AsArray())!;
        Assert.Empty(PodSecurity.Broken(pod));
        Assert.Equal("true", (string?)container["securityContext"]!["readOnlyRootFilesystem"]);
        Assert.Equal("false", (string?)pod["automountServiceAccountToken"]);
        Assert.Equal("""{"cpu":"50m","memory":"10Mi","ephemeral-storage":"500Mi"}""", container["resources"]!["requests"]!.ToJsonString());
        Assert.Equal("""{"cpu":"500m","memory":"100Mi","ephemeral-storage":"5Gi"}""", container["resources"]!["limits"]!.ToJsonString());
    }

    [Theory]
    [MemberData(nameof(Deployments))]
    public void A_pod_takes_image_and_pull_secret_from_the_one_place_that_names_them(string name)
    {
        var kustomization = Recipes.Parse(Recipes.Read("services/manifests/kustomization.yaml")).Single();
        var account = Recipes.Parse(Recipes.Read("services/manifests/service-account.yaml")).Single();
        var pod = PodOf(name);

        Assert.Contains(
            (string?)pod["containers"]![0]!["image"],
            kustomization["images"]!.AsArray().Select(static image => (string?)image!["name"]));
        Assert.Contains($"{name}.yaml", kustomization["resources"]!.AsArray().Select(static file => (string?)file));
        Assert.Equal((string?)account["metadata"]!["name"], (string?)pod["serviceAccountName"]);
        Assert.NotNull(account["imagePullSecrets"]![0]!["name"]);
    }

    /// <summary>The rules find what they are there for.</summary>
    [Theory]
    [InlineData("hostNetwork", "true", "no namespace of the host")]
    [InlineData("volumes", """[{"name":"docker","hostPath":{"path":"/var/run/docker.sock"}}]""", "no volume of the host")]
    [InlineData("securityContext", """{"seccompProfile":{"type":"RuntimeDefault"}}""", "suggestion: not as root")]
    [InlineData("securityContext", """{"runAsNonRoot":"true"}""", "suggestion: a seccomp profile")]
    [InlineData("containers/securityContext", """{"capabilities":{"drop":["ALL"]}}""", "suggestion: no escalation")]
    [InlineData("containers/securityContext", """{"allowPrivilegeEscalation":"false"}""", "suggestion: no capability kept")]
    [InlineData("containers/ports", """[{"containerPort":"6789","hostPort":"6789"}]""", "suggestion: no port of the host")]
    public void A_pod_that_asks_for_more_would_be_refused(string field, string value, string rule)
    {
        var pod = PodOf("suggestion-random");
        var target = field.StartsWith("containers/", StringComparison.Ordinal) ? pod["containers"]![0]! : pod;

        target[field.Split('/')[^1]] = value is "true" ? JsonValue.Create("true") : JsonNode.Parse(value);

        Assert.Equal([rule], PodSecurity.Broken(pod));
    }

    private static JsonNode PodOf(string name) =>
        Recipes.Parse(Recipes.Read($"services/manifests/{name}.yaml"))
            .Single(static document => (string?)document["kind"] is "Deployment")["spec"]!["template"]!["spec"]!;
}

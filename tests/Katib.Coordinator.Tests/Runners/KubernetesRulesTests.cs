using System.Text.Json.Nodes;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Runners;
using Katib.Coordinator.Runners.Kubernetes;

namespace Katib.Coordinator.Tests.Runners;

/// <summary>What is said of a template for a cluster, and what is made of it, without one.</summary>
public sealed class KubernetesRulesTests
{
    private const string Argo = """status.[@this].#(phase=="Succeeded")#""";

    private static readonly JsonObject PyTorchJob = Jobs.Parse("""
        {'apiVersion': 'kubeflow.org/v1', 'kind': 'PyTorchJob', 'spec': {'pytorchReplicaSpecs': {
          'Master': {'replicas': 1, 'template': {'spec': {'containers': [{'name': 'main', 'image': 'i', 'env': [{'name': 'A', 'value': 'x'}]}]}}},
          'Worker': {'replicas': 2, 'template': {'metadata': {'labels': {'own': 'y'}}, 'spec': {'containers': [{'name': 'main'}, {'name': 'other'}]}}}}}}
        """);

    [Theory]
    [InlineData(RunnerKind.Process)]
    [InlineData(RunnerKind.Docker)]
    public void Conditions_of_ones_own_need_a_cluster(RunnerKind runner)
    {
        var spec = Given.Spec();
        spec = spec with { Template = spec.Template with { SuccessCondition = Argo } };

        var problem = Assert.Single(runner.Check(spec).Problems, static p => p.Field.EndsWith("Condition", StringComparison.Ordinal));

        Assert.Equal(("trialTemplate.successCondition", Argo), (problem.Field, problem.Value));
        Assert.Contains("run with --runner kubernetes", problem.Message, StringComparison.Ordinal);
        Assert.Empty(RunnerKind.Kubernetes.Check(spec).Problems);
    }

    [Fact]
    public void A_condition_that_is_not_understood_is_named()
    {
        var spec = Given.Spec();
        spec = spec with { Template = spec.Template with { FailureCondition = "status.#" } };

        var problem = Assert.Single(RunnerKind.Kubernetes.Check(spec).Problems);

        Assert.Equal("trialTemplate.failureCondition", problem.Field);
        Assert.StartsWith("It is no condition: at character 8 '#' is not understood here", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_kind_that_hides_its_pods_and_a_container_that_none_has_are_named()
    {
        var spec = Given.Spec();
        var hidden = spec with
        {
            Template = spec.Template with { RunObject = Jobs.Parse("{'apiVersion': 'a/v1', 'kind': 'Workflow', 'spec': {'templates': []}}") },
        };
        var other = spec with { Template = spec.Template with { RunObject = PyTorchJob, PrimaryContainerName = "pytorch" } };

        Assert.Equal("trialTemplate.trialSpec.kind", Assert.Single(RunnerKind.Kubernetes.Check(hidden).Problems).Field);
        Assert.Equal("trialTemplate.primaryContainerName", Assert.Single(RunnerKind.Kubernetes.Check(other).Problems).Field);
    }

    [Fact]
    public void Every_pod_template_is_labelled_and_every_primary_container_told_and_nothing_else_changes()
    {
        var job = Jobs.Of("a", PyTorchJob) with { Environment = [new("A", "ours"), new("B", "b")] };
        var labels = new TrialLabels("s", "e").Of(job);

        var made = PodTemplates.Prepare(job, labels, "mirror", hasSidecars: true);

        var replicas = made["spec"]!["pytorchReplicaSpecs"]!;
        foreach (var labelled in new[] { made, replicas["Master"]!["template"]!, replicas["Worker"]!["template"]! })
        {
            Assert.Equal("a", (string?)labelled["metadata"]!["labels"]!["katib.kubeflow.org/trial"]);
            Assert.Equal("e", (string?)labelled["metadata"]!["labels"]!["katib.kubeflow.org/experiment"]);
            Assert.Equal("1", (string?)labelled["metadata"]!["labels"]!["tuning.katib/attempt"]);
        }

        Assert.Equal("y", (string?)replicas["Worker"]!["template"]!["metadata"]!["labels"]!["own"]);
        Assert.Equal(
            """{"name":"main","image":"i","env":[{"name":"KATIB_TRIAL_NAME","value":"a"},{"name":"A","value":"ours"},{"name":"B","value":"b"}]}""",
            replicas["Master"]!["template"]!["spec"]!["containers"]![0]!.ToJsonString());
        Assert.Equal("""{"name":"other"}""", replicas["Worker"]!["template"]!["spec"]!["containers"]![1]!.ToJsonString());
        Assert.Null(PyTorchJob["metadata"]);
    }

    [Theory]
    [InlineData(true, "initContainers")]
    [InlineData(false, "containers")]
    public void Files_are_read_by_a_container_that_shares_their_directory_and_the_programs_user(bool hasSidecars, string list)
    {
        var container = Jobs.Parse("{'name': 'main', 'securityContext': {'runAsUser': 7, 'runAsNonRoot': true, 'seccompProfile': {'type': 'RuntimeDefault'}}}");
        var job = Jobs.Of("a", Jobs.Job(container), Jobs.File("/out/metrics.log"));

        var pod = PodTemplates.Prepare(job, new TrialLabels("s", "e").Of(job), "mirror:1", hasSidecars)["spec"]!["template"]!["spec"]!;

        var mirror = pod[list]!.AsArray().OfType<JsonObject>().Single(static c => (string?)c["name"] is "katib-metrics");
        Assert.Equal("mirror:1", (string?)mirror["image"]);
        Assert.Equal("""[{"name":"katib-metrics","mountPath":"/out"}]""", mirror["volumeMounts"]!.ToJsonString());
        Assert.Equal("""[{"name":"katib-metrics","mountPath":"/out"}]""", pod["containers"]![0]!["volumeMounts"]!.ToJsonString());
        Assert.Equal("""[{"name":"katib-metrics","emptyDir":{}}]""", pod["volumes"]!.ToJsonString());
        Assert.Equal(
            """{"allowPrivilegeEscalation":false,"readOnlyRootFilesystem":true,"capabilities":{"drop":["ALL"]},"runAsUser":7,"runAsNonRoot":true,"seccompProfile":{"type":"RuntimeDefault"}}""",
            mirror["securityContext"]!.ToJsonString());
        Assert.Equal(hasSidecars ? "Always" : null, (string?)mirror["restartPolicy"]);
        Assert.Equal("/out", (string?)mirror["command"]![4]);
    }

    [Theory]
    [InlineData("katib-metrics 2 YS9i eHk=", "a/b", "\0\0xy")]
    [InlineData("katib-metrics 0 Li9t ", "m", "")]
    [InlineData("something else", null, null)]
    [InlineData("katib-metrics 0 Li4vLi4vZXRj eHk=", null, null)]
    [InlineData("katib-metrics x YQ== eHk=", null, null)]
    [InlineData("katib-metrics 0 !!! eHk=", null, null)]
    public void A_line_of_the_mirror_is_a_part_of_a_file_below_the_folder_or_nothing(string line, string? file, string? content)
    {
        var folder = Directory.CreateTempSubdirectory("katib-mirror-").FullName;
        try
        {
            MetricsMirror.Take(line, folder);
            MetricsMirror.Take(line, folder);

            Assert.Equal(
                file is null ? [] : [Path.Combine(folder, file)],
                Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories));
            Assert.Equal(content, file is null ? null : File.ReadAllText(Path.Combine(folder, file)));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}

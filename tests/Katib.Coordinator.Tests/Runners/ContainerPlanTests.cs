using System.Text.Json.Nodes;
using Docker.DotNet.Models;
using Katib.Coordinator.Runners;
using Katib.Coordinator.Runners.Docker;

namespace Katib.Coordinator.Tests.Runners;

public sealed class ContainerPlanTests
{
    private const string Pod = "trialTemplate.trialSpec.spec.template.spec";

    [Theory]
    [InlineData("500m", "0.5")]
    [InlineData("2", "2")]
    [InlineData("0.25", "0.25")]
    [InlineData("128Mi", "134217728")]
    [InlineData("1G", "1000000000")]
    [InlineData("1.5Gi", "1610612736")]
    [InlineData("100k", "100000")]
    [InlineData("1e3", "1000")]
    [InlineData("", null)]
    [InlineData("-1", null)]
    [InlineData("1 Mi", null)]
    [InlineData("1MiB", null)]
    [InlineData("1e400", null)]
    [InlineData("99999999999999999999Ti", null)]
    public void Amounts_are_read_as_kubernetes_writes_them(string text, string? amount)
    {
        Assert.Equal(
            amount is null ? null : decimal.Parse(amount, System.Globalization.CultureInfo.InvariantCulture),
            Quantity.Parse(text));
    }

    [Theory]
    [InlineData("'initContainers': [{'name': 'i'}]", ".initContainers")]
    [InlineData("'hostNetwork': true", ".hostNetwork")]
    [InlineData("'resources': {'limits': {'cpu': 1}}", ".resources")]
    [InlineData("'securityContext': {'sysctls': [{'name': 'a'}]}", ".securityContext.sysctls")]
    [InlineData("'securityContext': {'runAsUser': 'me'}", ".securityContext.runAsUser")]
    [InlineData("'volumes': [{'name': 'v', 'secret': {'secretName': 's'}}]", ".volumes[0].secret")]
    [InlineData("'volume': []", ".volume")]
    public void Pod_fields_that_docker_cannot_honour_are_refused(string fields, string field)
    {
        var problem = Assert.Single(Check("'name': 'main', 'image': 'i'", pod: fields).Problems);

        Assert.Equal(Pod + field, problem.Field);
    }

    [Theory]
    [InlineData("'livenessProbe': {'exec': {}}", ".livenessProbe")]
    [InlineData("'envFrom': [{'secretRef': {}}]", ".envFrom")]
    [InlineData("'imagePullPolicy': 'Sometimes'", ".imagePullPolicy")]
    [InlineData("'workingDir': 'here'", ".workingDir")]
    [InlineData("'resources': {'limits': {'memory': 'much'}}", ".resources.limits.memory")]
    [InlineData("'resources': {'limits': {'memory': '1Mi'}}", ".resources.limits.memory")]
    [InlineData("'resources': {'limits': {'amd.com/gpu': 1}}", ".resources.limits.amd.com/gpu")]
    [InlineData("'resources': {'limits': {'nvidia.com/gpu': 0.5}}", ".resources.limits.nvidia.com/gpu")]
    [InlineData("'securityContext': {'privileged': true}", ".securityContext.privileged")]
    [InlineData("'securityContext': {'runAsNonRoot': true, 'runAsUser': 0}", ".securityContext.runAsUser")]
    [InlineData("'securityContext': {'runAsGroup': 5}", ".securityContext.runAsGroup")]
    [InlineData("'securityContext': {'seccompProfile': {'type': 'Localhost'}}", ".securityContext.seccompProfile.type")]
    [InlineData("'volumeMounts': [{'name': 'none', 'mountPath': '/v'}]", ".volumeMounts[0].name")]
    [InlineData("'volumeMounts': [{'name': 'v', 'mountPath': 'v'}]", ".volumeMounts[0].mountPath")]
    [InlineData("'volumeMounts': [{'name': 'v', 'mountPath': '/v', 'subPath': 's'}]", ".volumeMounts[0].subPath")]
    [InlineData("'volumeMounts': [{'name': 'v', 'mountPath': '/v', 'subPathExpr': 's'}]", ".volumeMounts[0].subPathExpr")]
    [InlineData("'comand': ['c']", ".comand")]
    public void Container_fields_that_docker_cannot_honour_are_refused(string fields, string field)
    {
        var problem = Assert.Single(Check(
            $"'name': 'main', 'image': 'i', {fields}", pod: "'volumes': [{'name': 'v', 'emptyDir': {}}]").Problems);

        Assert.Equal($"{Pod}.containers[0]{field}", problem.Field);
    }

    [Theory]
    [InlineData("{'path': 'data'}", ".volumes[0].hostPath.path")]
    [InlineData("{'path': '/data', 'type': 'FileOrCreate'}", ".volumes[0].hostPath.type")]
    [InlineData("{'path': '/da:ta', 'type': 'DirectoryOrCreate'}", ".volumes[0].hostPath.path")]
    public void Paths_of_the_host_that_docker_cannot_mount_are_refused(string hostPath, string field)
    {
        var problem = Assert.Single(Check(
            "'name': 'main', 'image': 'i', 'volumeMounts': [{'name': 'v', 'mountPath': '/v'}]",
            pod: $"'volumes': [{{'name': 'v', 'hostPath': {hostPath}}}]").Problems);

        Assert.Equal(Pod + field, problem.Field);
    }

    [Fact]
    public void What_a_placeholder_leaves_open_is_judged_when_the_trial_begins()
    {
        const string limits = "'name': 'main', 'image': 'i', 'resources': {'limits': {'memory': '${trialParameters.m}Mi'}}";

        Assert.Empty(Check(limits).Problems);
        Assert.NotEmpty(Check(limits.Replace("${trialParameters.m}", "1", StringComparison.Ordinal)).Problems);
    }

    [Fact]
    public void A_container_needs_an_image_and_no_command()
    {
        var problem = Assert.Single(Check("'name': 'main', 'command': ['c']").Problems);

        Assert.Equal($"{Pod}.containers[0].image", problem.Field);
        Assert.Empty(Check("'name': 'main', 'image': 'i'").Problems);
    }

    [Fact]
    public void What_concerns_a_cluster_only_is_ignored_in_one_sentence()
    {
        var check = Check(
            "'name': 'main', 'image': 'i', 'ports': [], 'resources': {'requests': {'cpu': 1}}",
            pod: "'restartPolicy': 'Never', 'volumes': [{'name': 'v', 'emptyDir': {'sizeLimit': '1Gi'}}]");

        Assert.Equal(
            ["In a container of Docker's restartPolicy, ports, requests are ignored: they concern a cluster."],
            check.Notes);
    }

    [Fact]
    public void A_metrics_file_cannot_be_in_the_containers_memory()
    {
        const string container = "'name': 'main', 'image': 'i', 'volumeMounts': [{'name': 'v', 'mountPath': '/katib/'}]";

        var inMemory = CheckFile(container, "{'medium': 'Memory'}");
        var onDisk = CheckFile(container, "{}");

        Assert.Equal("metricsCollectorSpec.source.fileSystemPath.path", Assert.Single(inMemory.Problems).Field);
        Assert.Empty(onDisk.Problems);

        static TemplateCheck CheckFile(string container, string emptyDir) => ContainerPlan.Check(
            new(JobOf(container, $"'volumes': [{{'name': 'v', 'emptyDir': {emptyDir}}}]"), [], "main", Retain: false),
            Jobs.File("/katib/metrics.log"));
    }

    [Fact]
    public void Devices_are_asked_for_by_number_or_by_name()
    {
        var plan = PlanOf("'name': 'main', 'image': 'i', 'resources': {'limits': {'nvidia.com/gpu': 2}}");

        var counted = Assert.Single(HostOf(plan).DeviceRequests!);
        var named = Assert.Single(HostOf(plan, "3").DeviceRequests!);
        var none = HostOf(PlanOf("'name': 'main', 'image': 'i'")).DeviceRequests;

        Assert.Equal((2, "gpu"), (counted.Count, counted.Capabilities![0][0]));
        Assert.Equal((0, "3"), (named.Count, named.DeviceIDs![0]));
        Assert.Empty(none!);
    }

    [Fact]
    public void Rights_of_the_pod_hold_where_the_container_has_none_of_its_own()
    {
        var plan = PlanOf(
            "'name': 'main', 'image': 'i', 'securityContext': {'runAsUser': 7}",
            "'securityContext': {'runAsUser': 5, 'runAsGroup': 6, 'fsGroup': 9, 'supplementalGroups': [8], "
                + "'seccompProfile': {'type': 'Unconfined'}}");

        var asked = plan.ToParameters("n", new Dictionary<string, string>(), null);

        Assert.Equal("7:6", asked.User);
        Assert.Equal(["8", "9"], asked.HostConfig!.GroupAdd);
        Assert.Equal(["seccomp=unconfined"], asked.HostConfig!.SecurityOpt);
    }

    private static HostConfig HostOf(ContainerPlan plan, string? device = null) =>
        plan.ToParameters("n", new Dictionary<string, string>(), device).HostConfig!;

    private static ContainerPlan PlanOf(string container, string pod = "'nodeSelector': {}")
    {
        var runObject = JobOf(container, pod);
        return ContainerPlan.Of(ContainerReader.Read(runObject, "main"), Jobs.Of("t", runObject));
    }

    private static TemplateCheck Check(string container, string pod = "'nodeSelector': {}") =>
        ContainerPlan.Check(new(JobOf(container, pod), [], "main", Retain: false), Jobs.StdOut);

    private static JsonObject JobOf(string container, string pod) => Jobs.Parse($$"""
        {'apiVersion': 'batch/v1', 'kind': 'Job', 'spec': {
         'template': {'spec': { {{pod}}, 'containers': [{ {{container}} }] } } } }
        """);
}

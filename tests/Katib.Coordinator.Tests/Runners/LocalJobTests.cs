using System.Text.Json.Nodes;
using Katib.Coordinator.Runners;
using Katib.Coordinator.Runners.Local;

namespace Katib.Coordinator.Tests.Runners;

public sealed class LocalJobTests
{
    private const string Pod = "trialTemplate.trialSpec.spec.template.spec";

    [Theory]
    [InlineData("'volumes': [{'name': 'v'}]", ".volumes")]
    [InlineData("'initContainers': [{'name': 'i'}]", ".initContainers")]
    [InlineData("'hostNetwork': true", ".hostNetwork")]
    [InlineData("'shareProcessNamespace': true", ".shareProcessNamespace")]
    [InlineData("'hostname': 'h'", ".hostname")]
    [InlineData("'volume': []", ".volume")]
    public void Pod_fields_that_change_the_program_are_refused(string fields, string field)
    {
        var problem = Assert.Single(Check(JobOf($"'name': 'main', 'command': ['c']", pod: fields)).Problems);

        Assert.Equal(Pod + field, problem.Field);
    }

    [Theory]
    [InlineData("'volumeMounts': [{'name': 'v'}]", ".volumeMounts")]
    [InlineData("'envFrom': [{'secretRef': {'name': 's'}}]", ".envFrom")]
    [InlineData("'env': [{'name': 'A', 'valueFrom': {'fieldRef': {}}}]", ".env[0].valueFrom")]
    [InlineData("'env': [{'name': 'A', 'value': 1}]", ".env[0].value")]
    [InlineData("'env': [{'value': 'a'}]", ".env[0].name")]
    [InlineData("'lifecycle': {'preStop': {}}", ".lifecycle")]
    [InlineData("'stdin': true", ".stdin")]
    [InlineData("'tty': true", ".tty")]
    [InlineData("'livenessProbe': {'exec': {}}", ".livenessProbe")]
    [InlineData("'comand': ['c']", ".comand")]
    [InlineData("'args': [0.1]", ".args[0]")]
    [InlineData("'args': 'a'", ".args")]
    public void Container_fields_that_change_the_program_are_refused(string fields, string field)
    {
        var problem = Assert.Single(Check(JobOf($"'name': 'main', 'command': ['c'], {fields}")).Problems);

        Assert.Equal($"{Pod}.containers[0]{field}", problem.Field);
    }

    [Theory]
    [InlineData("'parallelism': 2", ".parallelism", "2")]
    [InlineData("'completions': 3", ".completions", "3")]
    [InlineData("'suspend': true", ".suspend", "true")]
    [InlineData("'activeDeadlineSeconds': '10'", ".activeDeadlineSeconds", "10")]
    [InlineData("'activeDeadlineSeconds': -1", ".activeDeadlineSeconds", "-1")]
    public void Job_fields_that_change_the_program_are_refused(string fields, string field, string value)
    {
        var problem = Assert.Single(Check(JobOf("'name': 'main', 'command': ['c']", job: fields)).Problems);

        Assert.Equal(("trialTemplate.trialSpec.spec" + field, value), (problem.Field, problem.Value));
    }

    [Theory]
    [InlineData("'name': 'main'")]
    [InlineData("'name': 'main', 'command': []")]
    [InlineData("'name': 'main', 'command': null, 'args': ['a']")]
    public void An_image_alone_says_nothing_of_its_command(string container)
    {
        var problem = Assert.Single(Check(JobOf(container)).Problems);

        Assert.Equal($"{Pod}.containers[0].command", problem.Field);
        Assert.Contains("needs a command", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_primary_container_must_be_there_and_alone()
    {
        var missing = Assert.Single(Check(JobOf("'name': 'other', 'command': ['c']")).Problems);
        var further = Assert.Single(Check(JobOf("'name': 'main', 'command': ['c']}, {'name': 'side'")).Problems);

        Assert.Equal($"{Pod}.containers", missing.Field);
        Assert.Contains("the template has 'other'", missing.Message, StringComparison.Ordinal);
        Assert.Equal(($"{Pod}.containers[1].name", "side"), (further.Field, further.Value));
    }

    [Theory]
    [InlineData("{'apiVersion': 'kubeflow.org/v1', 'kind': 'MPIJob', 'spec': {}}", "kind")]
    [InlineData("{'apiVersion': 'v1', 'kind': 'Job', 'spec': {}}", "kind")]
    [InlineData("{'kind': ['Job']}", "kind")]
    public void Other_kinds_are_refused(string runObject, string field)
    {
        var problems = Check(Jobs.Parse(runObject)).Problems;

        Assert.Contains(problems, problem => problem.Field == $"trialTemplate.trialSpec.{field}");
        Assert.Contains(
            problems, static problem => problem.Message.Contains("Kubernetes runner", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("TFJob", "tfReplicaSpecs", "'Worker': {0}", 0)]
    [InlineData("PyTorchJob", "pytorchReplicaSpecs", "'Master': {0}", 0)]
    [InlineData("PyTorchJob", "pytorchReplicaSpecs", "'Master': {0}, 'Worker': {'replicas': 0}", 0)]
    [InlineData("PyTorchJob", "pytorchReplicaSpecs", "'Master': {0}, 'Worker': {0}", 1)]
    [InlineData("TFJob", "tfReplicaSpecs", "'Worker': {'replicas': 2}", 1)]
    public void Training_jobs_are_run_when_they_have_one_replica(
        string kind, string replicas, string specs, int problems)
    {
        const string one =
            "{'replicas': 1, 'template': {'spec': {'containers': [{'name': 'main', 'command': ['c']}]}}}";
        var spec = specs.Replace("{0}", one, StringComparison.Ordinal);

        var check = Check(Jobs.Parse(
            $"{{'apiVersion': 'kubeflow.org/v1', 'kind': '{kind}', 'spec': {{'{replicas}': {{{spec}}}}}}}"));

        Assert.Equal(problems, check.Problems.Length);
    }

    [Fact]
    public void What_concerns_a_cluster_only_is_ignored_in_one_sentence()
    {
        var check = Check(JobOf(
            "'name': 'main', 'command': ['c'], 'image': 'i', 'resources': {}",
            pod: "'restartPolicy': 'Never', 'hostNetwork': false, 'volumes': []",
            job: "'backoffLimit': 0"));

        Assert.Empty(check.Problems);
        Assert.Equal(
            ["On this machine backoffLimit, restartPolicy, image, resources are ignored: "
                + "the primary container's command runs here as a process."],
            check.Notes);
    }

    [Fact]
    public void A_file_collector_whose_directory_is_not_named_gets_a_note()
    {
        var job = Jobs.Job(Jobs.Container(["python", "--log=/katib/mnist.log"]));
        var silent = Jobs.Job(Jobs.Container(["python"]));

        var note = Assert.Single(LocalJob.Check(silent, "main", Jobs.File("/katib/mnist.log")).Notes);

        Assert.Contains("KATIB_METRICS_DIR", note, StringComparison.Ordinal);
        Assert.Empty(LocalJob.Check(job, "main", Jobs.File("/katib/mnist.log")).Notes);
        _ = Assert.Single(LocalJob.Check(job, "main", Jobs.File("/mnist.log")).Problems);
    }

    [Fact]
    public void A_collector_that_is_a_container_is_refused()
    {
        var problem = Assert.Single(LocalJob.Check(Jobs.Job(Jobs.Container(["c"])), "main", Jobs.Custom("", [])).Problems);

        Assert.Equal(("metricsCollectorSpec.collector.kind", "Custom"), (problem.Field, problem.Value));
        Assert.Contains("--runner docker", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_page_of_metrics_whose_port_is_not_named_gets_a_note()
    {
        var job = Jobs.Job(Jobs.Container(["sh", "-c", "serve --port ${KATIB_METRICS_PORT:-8080}"]));
        var silent = Jobs.Job(Jobs.Container(["serve", "--port", "8080"]));

        var check = LocalJob.Check(silent, "main", Jobs.Prometheus);

        Assert.Empty(check.Problems);
        Assert.Contains("the one that KATIB_METRICS_PORT names, in place of 8080", Assert.Single(check.Notes), StringComparison.Ordinal);
        Assert.Empty(LocalJob.Check(job, "main", Jobs.Prometheus).Notes);
    }

    [Theory]
    [InlineData("$(A)", "1")]
    [InlineData("$(B)", "1 and 1")]
    [InlineData("$$(A)", "$(A)")]
    [InlineData("$$$(A)", "$1")]
    [InlineData("$(UNKNOWN)-$(A)", "$(UNKNOWN)-1")]
    [InlineData("$(A", "$(A")]
    [InlineData("$A ${A} $", "$A ${A} $")]
    [InlineData("$(LATER)", "3")]
    [InlineData("$(C)", "$(LATER)")]
    [InlineData("$(KATIB_TRIAL_NAME)", "trial-1")]
    [InlineData("$(KATIB_METRICS_DIR)/x", "/own/metrics/x")]
    public void Variables_expand_as_in_kubernetes(string argument, string expanded)
    {
        var container = Jobs.Container(["c", argument]);
        container["env"] = JsonNode.Parse("""
            [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A) and $(A)"},
             {"name": "C", "value": "$(LATER)"}, {"name": "LATER", "value": "2"}, {"name": "LATER", "value": "3"}]
            """);

        var job = LocalJob.Translate(Jobs.Job(container), "main", Jobs.StdOut, "trial-1", "/own/metrics", metricsPort: null);

        Assert.Equal(["c", expanded], job.CommandLine);
    }

    [Theory]
    [InlineData("/katib", "/own")]
    [InlineData("/katib/", "/own/")]
    [InlineData("--log=/katib/mnist.log", "--log=/own/mnist.log")]
    [InlineData("cd /katib; run", "cd /own; run")]
    [InlineData("a>/katib/x 2>/katib/y", "a>/own/x 2>/own/y")]
    [InlineData("'/katib/x' \"/katib/x\"", "'/own/x' \"/own/x\"")]
    [InlineData("-o/katib/x", "-o/own/x")]
    [InlineData("/bin:/katib:/usr", "/bin:/own:/usr")]
    [InlineData("/opt/katib/x", "/opt/katib/x")]
    [InlineData("/katibx", "/katibx")]
    [InlineData("/katib-2/x /katib.old", "/katib-2/x /katib.old")]
    [InlineData("$HOME/katib ./katib ../katib/x", "$HOME/katib ./katib ../katib/x")]
    [InlineData("http://katib/x", "http://katib/x")]
    [InlineData("/katib/katib /opt/katib/katib", "/own/katib /opt/katib/katib")]
    public void Katibs_metrics_directory_becomes_the_trials_own(string text, string replaced)
    {
        var container = Jobs.Container(["c", text]);
        container["env"] = new JsonArray(new JsonObject { ["name"] = "V", ["value"] = text });

        var job = LocalJob.Translate(Jobs.Job(container), "main", Jobs.File("/katib/mnist.log"), "t", "/own", metricsPort: null);

        Assert.Equal(replaced, job.CommandLine[1]);
        Assert.Equal(new("V", replaced), job.Environment[0]);
    }

    [Fact]
    public void The_smaller_deadline_counts()
    {
        var job = LocalJob.Translate(
            JobOf("'name': 'main', 'command': ['c']", "'activeDeadlineSeconds': 5", "'activeDeadlineSeconds': 9"),
            "main",
            Jobs.StdOut,
            "t",
            "/own",
            metricsPort: null);

        Assert.Equal(TimeSpan.FromSeconds(5), job.Deadline);
    }

    [Fact]
    public void This_machine_is_looked_at_as_far_as_no_placeholder_leaves_it_open()
    {
        var open = JobOf("'name': 'main', 'command': ['${trialParameters.c}'], 'workingDir': '/'");
        var missing = JobOf("'name': 'main', 'command': ['no-such-command']");
        var nowhere = JobOf("'name': 'main', 'command': ['sh'], 'workingDir': '/no/such/place'");

        Assert.Empty(CheckMachine(open));
        Assert.Equal($"{Pod}.containers[0].command[0]", Assert.Single(CheckMachine(missing)).Field);
        Assert.Equal($"{Pod}.containers[0].workingDir", Assert.Single(CheckMachine(nowhere)).Field);
    }

    [Theory]
    [InlineData("run > /katib/x", "/my dir", 1)]
    [InlineData("run > '/katib/x'", "/my dir", 0)]
    [InlineData("run > /katib/x", "/dir", 0)]
    [InlineData("run > /opt/katib/x", "/my dir", 0)]
    public void A_folder_that_falls_apart_in_a_script_is_refused(string script, string folder, int problems)
    {
        var job = Jobs.Job(Jobs.Container(["sh", "-c", script]));

        var found = LocalMachine.Check(job, "main", Jobs.File("/katib/x"), new(folder, "/", []));

        Assert.Equal(problems, found.Length);
    }

    private static System.Collections.Immutable.ImmutableArray<Problem> CheckMachine(JsonObject runObject) =>
        LocalMachine.Check(runObject, "main", Jobs.StdOut, new("/trials", "/", []));

    private static TemplateCheck Check(JsonObject runObject) => LocalJob.Check(runObject, "main", Jobs.StdOut);

    private static JsonObject JobOf(
        string container, string pod = "'nodeSelector': {}", string job = "'parallelism': 1") =>
        Jobs.Parse($$"""
            {'apiVersion': 'batch/v1', 'kind': 'Job', 'spec': { {{job}},
             'template': {'spec': { {{pod}}, 'containers': [{ {{container}} }] } } } }
            """);
}

using System.Text.Json.Nodes;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Manifests;

namespace Katib.Coordinator.Tests.Manifests;

public sealed class DefaultsTests
{
    [Fact]
    public void The_manifest_is_Katibs_json_with_its_defaults_in_its_order()
    {
        const string Expected = """
            {
              "apiVersion": "kubeflow.org/v1beta1",
              "kind": "Experiment",
              "metadata": { "name": "digits", "namespace": "default" },
              "spec": {
                "parameters": [
                  {
                    "name": "lr",
                    "parameterType": "double",
                    "feasibleSpace": { "max": "0.05", "min": "0.01", "distribution": "uniform" }
                  }
                ],
                "objective": {
                  "type": "maximize",
                  "goal": 0.99,
                  "objectiveMetricName": "accuracy",
                  "metricStrategies": [ { "name": "accuracy", "value": "max" } ]
                },
                "algorithm": { "algorithmName": "random" },
                "trialTemplate": {
                  "trialSpec": {
                    "apiVersion": "batch/v1",
                    "kind": "Job",
                    "spec": {
                      "template": {
                        "spec": {
                          "containers": [
                            {
                              "name": "training",
                              "image": "docker.io/library/python:3.13",
                              "command": [ "python", "train.py", "--lr=${trialParameters.learningRate}" ]
                            }
                          ],
                          "restartPolicy": "Never"
                        }
                      }
                    }
                  },
                  "trialParameters": [ { "name": "learningRate", "reference": "lr" } ],
                  "primaryContainerName": "training",
                  "successCondition": "status.conditions.#(type==\"Complete\")#|#(status==\"True\")#",
                  "failureCondition": "status.conditions.#(type==\"Failed\")#|#(status==\"True\")#"
                },
                "parallelTrialCount": 3,
                "maxTrialCount": 12,
                "metricsCollectorSpec": { "collector": { "kind": "StdOut" } },
                "resumePolicy": "Never"
              }
            }
            """;

        var manifest = Valid("random").Manifest;

        Assert.Equal(JsonNode.Parse(Expected)!.ToJsonString(), manifest.ToJsonString());
    }

    [Fact]
    public void Values_keep_the_users_spelling_whatever_yaml_makes_of_it()
    {
        var parameters = Valid("every-type").Parameters;

        Assert.Equal(("1e-4", "1.0"), (parameters[0].FeasibleSpace.Min, parameters[0].FeasibleSpace.Max));
        Assert.Equal(["16", "32", "64"], parameters[2].FeasibleSpace.List);
        Assert.Equal(["0.10", ".5"], parameters[3].FeasibleSpace.List);
        Assert.Equal(["true", "no", "1e-3"], parameters[4].FeasibleSpace.List);
        Assert.Equal(Distribution.LogUniform, parameters[5].FeasibleSpace.Distribution);
    }

    [Fact]
    public void Every_metric_gets_a_strategy_and_given_ones_stay()
    {
        var spec = Valid("metrics-strategies");

        Assert.Equal(["loss", "accuracy", "val-loss", "f1"], spec.Objective.AllMetricNames);
        Assert.Equal(MetricStrategy.Min, spec.Objective.Strategies["loss"]);
        Assert.Equal(MetricStrategy.Max, spec.Objective.Strategies["accuracy"]);
        Assert.Equal(MetricStrategy.Latest, spec.Objective.Strategies["val-loss"]);
        Assert.Equal(MetricStrategy.Min, spec.Objective.Strategies["f1"]);
        Assert.Equal(
            """[{"name":"accuracy","value":"max"},{"name":"val-loss","value":"latest"},{"name":"loss","value":"min"},{"name":"f1","value":"min"}]""",
            spec.Manifest["spec"]!["objective"]!["metricStrategies"]!.ToJsonString());
    }

    [Fact]
    public void The_file_collector_has_Katibs_path_and_format()
    {
        var spec = Valid("file-collector-bare");

        Assert.Equal(("/var/log/katib/metrics.log", MetricsFormat.Text), (spec.MetricsCollector.Path, spec.MetricsCollector.Format));
        Assert.Equal(
            """{"source":{"fileSystemPath":{"path":"/var/log/katib/metrics.log","kind":"File","format":"TEXT"}},"collector":{"kind":"File"}}""",
            spec.Manifest["spec"]!["metricsCollectorSpec"]!.ToJsonString());
    }

    [Fact]
    public void Without_annotations_only_a_lost_trial_is_tried_again() =>
        Assert.Equal(
            new RunPolicy { Retries = new(Infra: 9, Oom: 0, User: 0), TrialTimeout = null, KeepsTimedOut = false, MaxDuration = null },
            Valid("event-collector").Policy);

    [Theory]
    [InlineData("infra=3, oom=1,user=0", 3, 1, 0)]
    [InlineData("{infra: 3, oom: 1}", 3, 1, 0)]
    [InlineData("user=100", 9, 0, 100)]
    [InlineData("", 9, 0, 0)]
    public void Annotations_say_what_is_tried_again(string retry, int infra, int oom, int user)
    {
        var annotations = $"annotations: {{ tuning.katib/retry: '{retry}', tuning.katib/trial-timeout: 1m30s keep, "
            + "tuning.katib/max-duration: 2h, tuning.katib/at-end: finish, tuning.katib/keep: failed }";
        var text = Corpus.Read("Valid", "event-collector.yaml").Replace("metadata:", $"metadata:\n  {annotations}", StringComparison.Ordinal);

        var spec = ExperimentYaml.Parse(text).Spec!;

        Assert.Equal(
            new RunPolicy
            {
                Retries = new(infra, oom, user),
                TrialTimeout = TimeSpan.FromSeconds(90),
                KeepsTimedOut = true,
                LetsTrialsFinish = true,
                Keeps = KeepPolicy.Failed,
                MaxDuration = TimeSpan.FromHours(2),
            },
            spec.Policy);
        Assert.Equal(spec.Policy, ExperimentYaml.Parse(spec.Manifest.ToJsonString()).Spec!.Policy);
    }

    [Theory]
    [InlineData("", "", KeepPolicy.None)]
    [InlineData("", "retain: true", KeepPolicy.All)]
    [InlineData("annotations: { tuning.katib/keep: failed }", "retain: true", KeepPolicy.Failed)]
    [InlineData("annotations: { tuning.katib/keep: all }", "", KeepPolicy.All)]
    public void The_annotation_or_else_the_template_says_whose_workers_are_kept(string annotations, string retain, KeepPolicy expected)
    {
        var text = Corpus.Read("Valid", "event-collector.yaml")
            .Replace("metadata:", $"metadata:\n  {annotations}", StringComparison.Ordinal)
            .Replace("trialTemplate:", $"trialTemplate:\n    {retain}", StringComparison.Ordinal);

        Assert.Equal(expected, ExperimentYaml.Parse(text).Spec!.Keeps);
    }

    [Theory]
    [InlineData("[{lr: 0.02}, {lr: 0.020}, {lr: '0.05'}]", "0.02", "0.05")]
    [InlineData("[{\"lr\": 1e-2}]", "0.01")]
    [InlineData("[]")]
    public void Points_to_begin_with_are_read_once_each(string points, params string[] expected)
    {
        var text = Corpus.Read("Valid", "event-collector.yaml").Replace(
            "metadata:", $"metadata:\n  annotations:\n    tuning.katib/initial-points: |\n      {points}", StringComparison.Ordinal);

        var spec = ExperimentYaml.Parse(text).Spec!;

        Assert.Equal(expected, spec.InitialPoints.Select(static p => Assert.Single(p).Value));
        Assert.Equal(expected.Length, ExperimentYaml.Parse(spec.Manifest.ToJsonString()).Spec!.InitialPoints.Length);
    }

    [Theory]
    [InlineData("[{point: {lr: 0.02}, value: 0.5}, {point: {lr: 0.020}, value: 7}]", "0.02=0.5")]
    [InlineData("[{\"point\": {\"lr\": \"1e-2\"}, \"value\": \"-1e-05\"}]", "0.01=-1E-05")]
    public void Results_from_elsewhere_are_read_once_each(string results, string expected)
    {
        var text = Corpus.Read("Valid", "event-collector.yaml").Replace(
            "metadata:", $"metadata:\n  annotations:\n    tuning.katib/prior-results: |\n      {results}", StringComparison.Ordinal);

        var spec = ExperimentYaml.Parse(text).Spec!;

        Assert.Equal(expected, string.Join(' ', spec.PriorResults.Select(static r => FormattableString.Invariant($"{r.Point[0].Value}={r.Value}"))));
        Assert.Equal(PriorResultsReader.Write(spec.PriorResults), PriorResultsReader.Write(
            ExperimentYaml.Parse(spec.Manifest.ToJsonString()).Spec!.PriorResults));
    }

    [Theory]
    [InlineData("[{point: {lr: 0.02}}]", "prior-results'][0].value: is missing; give the value that the objective had there")]
    [InlineData("[{point: {lr: 0.02}, value: NaN}]", "must be a finite number")]
    [InlineData("[{point: {lr: 0.9}, value: 1}]", "is no value of this parameter")]
    [InlineData("lr=1", "is no list of results; write a list of points with values")]
    public void Results_from_elsewhere_that_are_wrong_are_named(string results, string words)
    {
        var text = Corpus.Read("Valid", "event-collector.yaml").Replace(
            "metadata:", $"metadata:\n  annotations:\n    tuning.katib/prior-results: '{results}'", StringComparison.Ordinal);

        Assert.Contains(ExperimentYaml.Parse(text).Problems, p => $"{p.Path}: {p.Message}".Contains(words, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("lr=1", "'tuning.katib/initial-points']: is no list of points; write a list of maps")]
    [InlineData("[{lr: 0.02}", "'tuning.katib/initial-points']: is no list of points (")]
    [InlineData("[{lr: 0.9}]", "initial-points'][0].lr: is no value of this parameter")]
    [InlineData("[{lr: 0.02, ls: 1}]", "initial-points'][0].ls: is no parameter; did you mean 'lr'?")]
    [InlineData("[{lr: 0.02}, {}]", "initial-points'][1].lr: is missing; give every parameter a value")]
    [InlineData("[7]", "initial-points'][0]: must be a map")]
    public void What_is_no_point_is_said(string points, string expected)
    {
        var text = Corpus.Read("Valid", "event-collector.yaml").Replace(
            "metadata:", $"metadata:\n  annotations:\n    tuning.katib/initial-points: |\n      {points}", StringComparison.Ordinal);

        var problem = Assert.Single(ExperimentYaml.Parse(text).Problems);

        Assert.Contains(expected, $"{problem.Path}: {problem.Message}", StringComparison.Ordinal);
        Assert.Equal(5, problem.Line);
    }

    [Fact]
    public void The_event_collector_has_Katibs_directory()
    {
        var given = Valid("event-collector");
        var bare = ExperimentYaml.Parse(Corpus.Read("Valid", "event-collector.yaml").Replace(
            "fileSystemPath: {path: /train/logs, kind: Directory}", "fileSystemPath: {}", StringComparison.Ordinal)).Spec!;

        Assert.Equal((CollectorKind.TensorFlowEvent, "/train/logs"), (given.MetricsCollector.Kind, given.MetricsCollector.Path));
        Assert.Equal(
            """{"source":{"fileSystemPath":{"path":"/var/log/katib/tfevent/","kind":"Directory"}},"collector":{"kind":"TensorFlowEvent"}}""",
            bare.Manifest["spec"]!["metricsCollectorSpec"]!.ToJsonString());
    }

    [Fact]
    public void A_page_of_metrics_has_Katibs_path_and_port()
    {
        var given = Valid("prometheus-collector");
        var bare = ExperimentYaml.Parse(Corpus.Read("Valid", "none-collector.yaml")
            .Replace("kind: None", "kind: PrometheusMetric", StringComparison.Ordinal)).Spec!;

        Assert.Equal(("/m?a=b", 9090), (given.MetricsCollector.Page!.Path, given.MetricsCollector.Page.Port));
        Assert.Equal([new("Authorization", "Bearer x")], given.MetricsCollector.Page.Headers);
        Assert.Equal(("/metrics", 8080), (bare.MetricsCollector.Page!.Path, bare.MetricsCollector.Page.Port));
        Assert.Equal(
            """{"source":{"httpGet":{"path":"/metrics","port":8080}},"collector":{"kind":"PrometheusMetric"}}""",
            bare.Manifest["spec"]!["metricsCollectorSpec"]!.ToJsonString());
    }

    [Fact]
    public void A_custom_collector_shares_the_directory_of_its_file()
    {
        var collector = Valid("custom-collector").MetricsCollector;

        Assert.Equal("/logs/", collector.Path);
        Assert.Equal("mine:1", (string?)collector.Container!["image"]);
    }

    [Fact]
    public void A_training_job_has_conditions_and_pod_labels_of_its_own()
    {
        var template = Valid("training-job").Manifest["spec"]!["trialTemplate"]!;

        Assert.Equal("""status.conditions.#(type=="Succeeded")#|#(status=="True")#""", (string?)template["successCondition"]);
        Assert.Equal("""{"training.kubeflow.org/job-role":"master"}""", template["primaryPodLabels"]!.ToJsonString());
        Assert.True((bool)template["retain"]!);
    }

    [Fact]
    public void A_train_job_selects_the_first_pod_of_its_nodes()
    {
        var text = Corpus.Read("Valid", "training-job.yaml").Replace("PyTorchJob", "TrainJob", StringComparison.Ordinal);

        var template = ExperimentYaml.Parse(text).Spec!.Manifest["spec"]!["trialTemplate"]!;

        Assert.Equal("""status.conditions.#(type=="Complete")#|#(status=="True")#""", (string?)template["successCondition"]);
        Assert.Equal(
            """{"jobset.sigs.k8s.io/replicatedjob-name":"node","batch.kubernetes.io/job-completion-index":"0"}""",
            template["primaryPodLabels"]!.ToJsonString());
    }

    [Fact]
    public void A_merged_map_yields_to_the_keys_of_the_map_itself()
    {
        var parameters = Valid("anchors-and-merges").Parameters;

        Assert.Equal(("0.1", "0.9"), (parameters[1].FeasibleSpace.Min, parameters[1].FeasibleSpace.Max));
        Assert.Equal(("0.1", "1"), (parameters[2].FeasibleSpace.Min, parameters[2].FeasibleSpace.Max));
    }

    [Fact]
    public void Json_is_read_with_all_its_escapes()
    {
        var spec = Valid("json");

        var container = spec.Template.RunObject["spec"]!["template"]!["spec"]!["containers"]![0]!;
        Assert.Equal("smile 😀", (string?)container["command"]![2]);
        Assert.Equal("a/b", (string?)container["command"]![3]);
        Assert.Equal(0.001, spec.Objective.Goal);
        Assert.Equal([KeyValuePair.Create("random_state", "10")], spec.Algorithm.Settings);
    }

    [Fact]
    public void What_a_cluster_has_added_is_dropped_from_the_manifest()
    {
        var metadata = Valid("exported-from-a-cluster").Manifest["metadata"]!;

        Assert.Equal(
            """{"name":"digits","namespace":"tuning","labels":{"team":"vision"},"annotations":{"example.org/note":"kept"}}""",
            metadata.ToJsonString());
    }

    [Fact]
    public void A_failure_budget_of_none_differs_from_no_failure_budget()
    {
        Assert.Equal(0, Valid("resume-from-volume").MaxFailedTrialCount);
        Assert.Null(Valid("random").MaxFailedTrialCount);
    }

    private static ExperimentSpec Valid(string name) => ExperimentYaml.Parse(Corpus.Read("Valid", $"{name}.yaml")).Spec!;
}

using System.Text.Json.Nodes;
using Katib.Coordinator.Experiments;

namespace Katib.Coordinator.Manifests;

/// <summary>The whole Experiment: its envelope, its budgets, and what belongs to several of its parts.</summary>
internal static class ExperimentReader
{
    private const string ApiVersion = "kubeflow.org/v1beta1";
    private const string Kind = "Experiment";
    private const string Grid = "grid";
    private const int DefaultParallelTrialCount = 3;

    private static readonly string[] ResumePolicies = ["Never", "LongRunning", "FromVolume"];

    /// <summary>The experiment; of no use when something was found wrong.</summary>
    public static ExperimentSpec? Read(Field root)
    {
        if (root.Node is not ManifestMap)
        {
            root.Wrong("must be a map with apiVersion, kind, metadata and spec");
            return null;
        }

        if (!IsExperiment(root))
        {
            return null;
        }

        _ = root.IsMap("apiVersion", "kind", "metadata", "spec", "status");
        if (root["status"].IsSet)
        {
            root["status"].Doubt("is dropped: it tells what became of an experiment, and this one is new");
        }

        var metadata = MetadataReader.Read(root["metadata"]);
        var spec = root["spec"];
        _ = spec.IsRequired("say what to tune");
        return spec.IsMap(
            "parameters", "objective", "algorithm", "earlyStopping", "trialTemplate", "parallelTrialCount", "maxTrialCount",
            "maxFailedTrialCount", "metricsCollectorSpec", "nasConfig", "resumePolicy")
            ? ReadSpec(spec, metadata, root["metadata"]["annotations"])
            : null;
    }

    /// <summary>False when the file is of another kind altogether, so that no other rule has a meaning.</summary>
    private static bool IsExperiment(Field root)
    {
        var kind = root["kind"];
        var kindName = kind.RequiredText($"write 'kind: {Kind}'");
        var isOther = kindName.Length > 0 && kindName != Kind;
        if (isOther)
        {
            kind.Wrong($"must be {Kind}");
        }

        var version = root["apiVersion"];
        var given = version.RequiredText($"write 'apiVersion: {ApiVersion}'");
        if (given.Length > 0 && given != ApiVersion)
        {
            version.Wrong($"must be {ApiVersion}");
        }

        return !isOther || NearestName.Of(kindName, [Kind]) is not null;
    }

    private static ExperimentSpec ReadSpec(Field spec, Metadata metadata, Field annotations)
    {
        var nas = spec["nasConfig"];
        if (nas.IsSet)
        {
            nas.Wrong("is not available: neural architecture search is not part of this release; use spec.parameters");
        }

        var parameters = ParametersReader.Read(spec["parameters"], isRequired: !nas.IsSet);
        var (objective, objectiveJson) = ObjectiveReader.Read(spec["objective"]);
        var (algorithm, algorithmJson) = AlgorithmReader.Read(spec["algorithm"]);
        var (stopping, stoppingJson) = AlgorithmReader.ReadEarlyStopping(spec["earlyStopping"]);
        var (template, templateJson) = TemplateReader.Read(spec, parameters.Names);
        var (parallel, max, maxFailed) = ReadBudgets(spec);
        var (collector, collectorJson) = CollectorReader.Read(spec["metricsCollectorSpec"]);
        var policy = ReadResumePolicy(spec["resumePolicy"]);
        HintAtEnd(spec, algorithm, objective, parameters.Space);

        var json = new JsonObject
        {
            ["parameters"] = parameters.Json,
            ["objective"] = objectiveJson,
            ["algorithm"] = algorithmJson,
            ["trialTemplate"] = templateJson,
            ["parallelTrialCount"] = parallel,
        };
        AddIfSet(json, "maxTrialCount", max);
        AddIfSet(json, "maxFailedTrialCount", maxFailed);
        if (stoppingJson is not null)
        {
            json["earlyStopping"] = stoppingJson;
        }

        json["metricsCollectorSpec"] = collectorJson;
        json["resumePolicy"] = ResumePolicies[(int)policy];

        var manifest = new JsonObject
        {
            ["apiVersion"] = ApiVersion,
            ["kind"] = Kind,
            ["metadata"] = metadata.Json,
            ["spec"] = json,
        };
        return new(
            metadata.Name, metadata.Namespace, parameters.Specs, objective, algorithm, parallel, max, maxFailed, policy,
            collector, template, manifest)
        {
            Policy = metadata.Policy,
            EarlyStopping = stopping,
            PriorResults = PriorResultsReader.Read(annotations[PriorResultsReader.Name], parameters.Space),
            InitialPoints = InitialPointsReader.Read(annotations[InitialPointsReader.Name], parameters.Space),
        };
    }

    private static (int Parallel, int? Max, int? MaxFailed) ReadBudgets(Field spec)
    {
        var parallel = spec["parallelTrialCount"];
        var parallelCount = parallel.WholeNumber(min: 1);
        var max = spec["maxTrialCount"].WholeNumber(min: 1);
        var maxFailed = spec["maxFailedTrialCount"].WholeNumber(min: 0);
        if (maxFailed > max)
        {
            spec["maxFailedTrialCount"].Wrong($"must not be above maxTrialCount {max}; lower it");
        }

        if (parallelCount > max)
        {
            parallel.Wrong($"must not be above maxTrialCount {max}; lower it");
        }
        else if (!parallel.IsSet && DefaultParallelTrialCount > max)
        {
            parallel.Wrong($"is not set, so it is {DefaultParallelTrialCount}, above maxTrialCount {max}; set it to {max} or less");
        }

        return (parallelCount ?? DefaultParallelTrialCount, max, maxFailed);
    }

    private static ResumePolicy ReadResumePolicy(Field field)
    {
        if (field.Text() is not { Length: > 0 } policy)
        {
            return ResumePolicy.Never;
        }

        var index = Array.IndexOf(ResumePolicies, policy);
        if (index < 0)
        {
            field.MustBeOneOf(ResumePolicies);
        }

        return (ResumePolicy)Math.Max(0, index);
    }

    /// <summary>An experiment that nothing ends is legal, and hardly meant.</summary>
    private static void HintAtEnd(Field spec, AlgorithmSpec algorithm, ObjectiveSpec objective, SearchSpace? space)
    {
        var max = spec["maxTrialCount"];
        if (max.IsSet || space is null)
        {
            return;
        }

        if (algorithm.Name is Grid)
        {
            var count = space.Size is { } size ? $" to {size}, the number of combinations" : "";
            max.Doubt($"is not set: Katib's own controller goes on asking when every combination is used up; set it{count}");
        }
        else if (objective.Goal is null && space.Size is null)
        {
            max.Doubt("is not set, and neither is a goal: nothing ends this experiment; set one of them");
        }
    }

    private static void AddIfSet(JsonObject json, string name, int? value)
    {
        if (value is { } number)
        {
            json[name] = number;
        }
    }
}

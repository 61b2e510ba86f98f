using System.Collections.Immutable;
using System.CommandLine;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Storage;

namespace Katib.Cli.Commands;

/// <summary>Options and arguments that several commands share, so that they mean the same everywhere.</summary>
internal static class CommonOptions
{
    public static Option<FileInfo> Store() => new("--store")
    {
        Description = "The file that keeps experiments and results",
        DefaultValueFactory = static _ => new(StoreLocation.Default.File),
    };

    public static Argument<string> Name() => new("name")
    {
        Description = "The experiment's name, or namespace/name",
    };

    public static Argument<FileInfo> ManifestFile() => new("file")
    {
        Description = "A Katib Experiment (kubeflow.org/v1beta1) as YAML or JSON",
    };

    /// <summary>An option that takes one of a few words.</summary>
    public static Option<string> OneOf(string name, string[] aliases, string description, string fallback, params string[] words)
    {
        var option = new Option<string>(name, aliases)
        {
            Description = description,
            DefaultValueFactory = _ => fallback,
        };
        return option.AcceptOnlyFromAmong(words);
    }

    /// <summary>What trials are run as; null where the user does not say.</summary>
    public static Option<RunnerKind?> Runner(string description)
    {
        var option = new Option<RunnerKind?>("--runner")
        {
            Description = description,

            // What is neither is refused below.
            CustomParser = static result =>
                Enum.TryParse<RunnerKind>(result.Tokens[^1].Value, ignoreCase: true, out var kind) ? kind : null,
        };
        return option.AcceptOnlyFromAmong("process", "docker");
    }

    /// <summary>A number of at least 1, or a clear error.</summary>
    public static Option<int?> Count(string name, string description)
    {
        var option = new Option<int?>(name) { Description = description };
        option.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int?>() is < 1)
            {
                result.AddError($"{name} must be at least 1.");
            }
        });
        return option;
    }

    /// <summary>The experiment of that name in the store.</summary>
    public static StoredExperiment Find(ExperimentStore store, string name)
    {
        var all = store.List();
        var parts = name.Split('/', 2);
        var found = all
            .Where(e => parts is [var @namespace, var bare] ? e.Namespace == @namespace && e.Name == bare : e.Name == name)
            .ToImmutableArray();
        return found switch
        {
            [var one] => store.Read(one.Namespace, one.Name)!,
            [] => throw new UserException(
                Coordinator.Manifests.NearestName.Of(name, all.Select(static e => e.Name)) is { } near
                    ? $"There is no experiment '{name}'; did you mean '{near}'?"
                    : $"There is no experiment '{name}'; `katib status` lists those that there are."),
            _ => throw new UserException(
                $"'{name}' exists in several namespaces; say which: {string.Join(", ", found.Select(static e => $"{e.Namespace}/{e.Name}"))}."),
        };
    }
}

using System.CommandLine;
using System.CommandLine.Parsing;
using Katib.Cli.Sources;
using Katib.Coordinator.Experiments;
using Katib.Coordinator.Storage;

namespace Katib.Cli.Commands;

/// <summary>Options and arguments that several commands share, so that they mean the same everywhere.</summary>
internal static class CommonOptions
{
    /// <summary>The coordinator that a command speaks to, in place of a store on this machine; may stand before the command.</summary>
    public static Option<Uri?> Server { get; } = new("--server")
    {
        Description = "Speak to the coordinator at this URL, in place of running and keeping experiments on this machine",
        Recursive = true,
        CustomParser = static result => ParseUrl(result),
    };

    /// <summary>The file with that coordinator's token; may stand before the command.</summary>
    public static Option<FileInfo?> TokenFile { get; } = new("--token-file")
    {
        Description = "The file with the coordinator's token; otherwise KATIB_TOKEN, or the file that KATIB_TOKEN_FILE names",
        Recursive = true,
    };

    public static Option<FileInfo> Store() => new("--store")
    {
        Description = "The file that keeps experiments and results",
        DefaultValueFactory = static _ => new(StoreLocation.DefaultFile),
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

            // What is none of them is refused below.
            CustomParser = static result =>
                Enum.TryParse<RunnerKind>(result.Tokens[^1].Value, ignoreCase: true, out var kind) ? kind : null,
        };
        return option.AcceptOnlyFromAmong("process", "docker", "kubernetes");
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

    /// <summary>Where the user keeps the experiments: the coordinator where one is named, the store otherwise.</summary>
    public static async Task<IExperimentSource> OpenAsync(
        ParseResult parsed, Option<FileInfo> store, CancellationToken cancellationToken) =>
        OpenServer(parsed) as IExperimentSource
        ?? await StoreFile.OpenAsync(StoreLocation.OfFile(parsed.GetRequiredValue(store).FullName), cancellationToken);

    /// <summary>The coordinator that the user names; null when the command is for this machine.</summary>
    public static CoordinatorServer? OpenServer(ParseResult parsed) =>
        parsed.GetValue(Server) is { } address ? new(address, Token(parsed.GetValue(TokenFile))) : null;

    /// <summary>Refuses options that say something about this machine where a coordinator is named.</summary>
    public static void ExcludeWithServer(this Command command, params Option[] options) => command.Validators.Add(result =>
    {
        var named = result.GetResult(Server) is null ? [] : options.Where(o => result.GetResult(o) is { Implicit: false });
        foreach (var option in named)
        {
            result.AddError($"{option.Name} is about this machine; leave it out where --server names a coordinator.");
        }
    });

    /// <summary>Refuses --server where a command has nothing to ask a coordinator.</summary>
    public static void RefuseServer(this Command command) => command.Validators.Add(result =>
    {
        if (result.GetResult(Server) is not null)
        {
            result.AddError($"`katib {command.Name}` works on this machine alone; leave out --server.");
        }
    });

    private static string Token(FileInfo? file)
    {
        var path = file?.FullName ?? (Variable("KATIB_TOKEN") is null ? Variable("KATIB_TOKEN_FILE") : null);
        if (path is null)
        {
            return Variable("KATIB_TOKEN") ?? "";
        }

        return File.Exists(path) ? File.ReadAllText(path).Trim() : throw new UserException($"There is no token file '{path}'.");
    }

    private static string? Variable(string name) =>
        Environment.GetEnvironmentVariable(name)?.Trim() is { Length: > 0 } value ? value : null;

    private static Uri? ParseUrl(ArgumentResult result)
    {
        var text = result.Tokens[0].Value;
        if (Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https")
        {
            return url;
        }

        result.AddError($"--server takes a URL such as http://127.0.0.1:8080, not '{text}'.");
        return null;
    }
}

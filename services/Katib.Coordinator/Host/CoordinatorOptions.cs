using Microsoft.Extensions.Options;

namespace Katib.Coordinator.Host;

/// <summary>What an operator sets: by environment (<c>Coordinator__Experiments</c>) or argument (<c>--Coordinator:Experiments=…</c>).</summary>
internal sealed class CoordinatorOptions
{
    /// <summary>The section of the configuration.</summary>
    public const string Section = "Coordinator";

    /// <summary>The folder whose YAML files are run.</summary>
    public string Experiments { get; set; } = "";

    /// <summary>The file that keeps experiments and results.</summary>
    public string Store { get; set; } = Storage.StoreLocation.Default.File;

    /// <summary>What the trials of new experiments are run as.</summary>
    public Experiments.RunnerKind Runner { get; set; }

    /// <summary>The algorithm services: name to address.</summary>
    public Dictionary<string, Uri> Endpoints { get; } = [];

    /// <summary>What must hold before anything is run.</summary>
    internal sealed class Rules : IValidateOptions<CoordinatorOptions>
    {
        /// <inheritdoc/>
        public ValidateOptionsResult Validate(string? name, CoordinatorOptions options)
        {
            var failures = new List<string>();
            if (!Directory.Exists(options.Experiments))
            {
                failures.Add($"Coordinator:Experiments '{options.Experiments}' must be an existing folder with Experiment files.");
            }

            if (options.Endpoints.Count is 0)
            {
                failures.Add(
                    "Coordinator:Endpoints is empty; name at least one algorithm service, "
                    + "for instance --Coordinator:Endpoints:random=http://random:6789.");
            }

            failures.AddRange(options.Endpoints
                .Where(static e => !e.Value.IsAbsoluteUri || e.Value.Scheme is not ("http" or "https"))
                .Select(static e => $"Coordinator:Endpoints:{e.Key} '{e.Value}' must be an address such as http://{e.Key}:6789."));
            return failures.Count > 0 ? ValidateOptionsResult.Fail(failures) : ValidateOptionsResult.Success;
        }
    }
}

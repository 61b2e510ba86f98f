using System.Collections.Immutable;

namespace Katib.Coordinator.Runners.Templates;

/// <summary>A template's program, with every variable filled in.</summary>
/// <param name="Command">The command; empty when the image has it.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="Environment">Names and values in the template's order; a later one wins.</param>
internal sealed record TemplateProgram(
    ImmutableArray<string> Command,
    ImmutableArray<string> Arguments,
    ImmutableArray<KeyValuePair<string, string>> Environment)
{
    /// <summary>Bears the trial's name, as in Katib's containers.</summary>
    public const string TrialNameVariable = "KATIB_TRIAL_NAME";

    /// <summary>Bears the directory in which the trial's metrics file is looked for.</summary>
    public const string MetricsDirectoryVariable = "KATIB_METRICS_DIR";

    /// <summary>Bears the port on which the trial's metrics page is asked for.</summary>
    public const string MetricsPortVariable = "KATIB_METRICS_PORT";

    /// <summary>Expands as Kubernetes does: env may refer to earlier env, command and args to all of it.</summary>
    /// <param name="template">The template.</param>
    /// <param name="given">What is known besides.</param>
    /// <param name="finish">Applied last and once to every text.</param>
    public static TemplateProgram Expand(
        RunObjectTemplate template,
        IEnumerable<KeyValuePair<string, string>> given,
        Func<string, string> finish)
    {
        var variables = given.ToDictionary(StringComparer.Ordinal);
        var environment = ImmutableArray.CreateBuilder<KeyValuePair<string, string>>();
        foreach (var (name, value) in template.Environment)
        {
            var expanded = VariableExpansion.Expand(value, variables);
            variables[name] = expanded;
            environment.Add(new(name, finish(expanded)));
        }

        return new(All(template.Command), All(template.Arguments), environment.DrainToImmutable());

        ImmutableArray<string> All(ImmutableArray<string> texts) =>
            [.. texts.Select(text => finish(VariableExpansion.Expand(text, variables)))];
    }
}

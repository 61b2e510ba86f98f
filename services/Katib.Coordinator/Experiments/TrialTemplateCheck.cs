using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;
using Katib.Coordinator.Manifests;

namespace Katib.Coordinator.Experiments;

/// <summary>All that is wrong between a template and its trialParameters, before the first trial.</summary>
public static class TrialTemplateCheck
{
    private const string Root = "trialTemplate.trialSpec";
    private const string ParametersField = "trialTemplate.trialParameters";

    private static readonly string[] OwnKeys = ["name", "namespace"];

    /// <summary>Katib's rules, and that every search parameter reaches the trial, which Katib does not ask.</summary>
    public static ImmutableArray<Problem> Check(TrialTemplate template, ImmutableArray<string> searchParameterNames)
    {
        var problems = ImmutableArray.CreateBuilder<Problem>();
        var uses = Uses(template.RunObject, Root).ToImmutableArray();
        problems.AddRange(Parameters(template, searchParameterNames));
        problems.AddRange(Placeholding(template, uses));
        problems.AddRange(Unreferenced(template, searchParameterNames));
        problems.AddRange(Names(template.RunObject));
        return problems.DrainToImmutable();
    }

    private static IEnumerable<Problem> Parameters(TrialTemplate template, ImmutableArray<string> searchParameterNames)
    {
        if (template.Parameters.IsEmpty)
        {
            yield return new(
                ParametersField,
                "",
                "The template has no trialParameters, so no value reaches a trial: add one for each search parameter.",
                "must be specified");
        }

        var names = new HashSet<string>(StringComparer.Ordinal);
        var references = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < template.Parameters.Length; i++)
        {
            var (name, reference) = template.Parameters[i];
            var (nameField, referenceField) = ($"{FieldOf(i)}.name", $"{FieldOf(i)}.reference");
            if (name.Length is 0 || name.AsSpan().ContainsAny('{', '}'))
            {
                yield return new(
                    nameField,
                    name,
                    name.Length is 0
                        ? "A trialParameter needs a name: the one of its placeholder ${trialParameters.<name>}."
                        : "The name must not contain '{' or '}', which end its placeholder.",
                    "name and reference must be specified and name must not contain '{' or '}'");
            }
            else if (!names.Add(name))
            {
                yield return new(
                    nameField,
                    name,
                    "Another trialParameter has this name already: give each a name of its own.",
                    $"parameter name {name} can't be duplicated in spec.trialTemplate.trialParameters");
            }

            if (reference.Length is 0)
            {
                yield return new(
                    referenceField,
                    "",
                    "A trialParameter needs a reference: a search parameter or a meta key such as ${trialSpec.Name}.",
                    "name and reference must be specified and name must not contain '{' or '}'");
            }
            else if (!references.Add(reference))
            {
                yield return new(
                    referenceField,
                    reference,
                    "Another trialParameter refers to this already: use the other's placeholder in both places.",
                    $"parameter reference {reference} can't be duplicated in spec.trialTemplate.trialParameters");
            }
            else if (ReferenceProblem(reference, template.RunObject, searchParameterNames) is { } message)
            {
                yield return new(
                    referenceField,
                    reference,
                    message,
                    MetaReference.From(reference) is null
                        ? $"parameter reference {reference} does not exist in spec.parameters"
                        : null);
            }
        }
    }

    private static string? ReferenceProblem(
        string reference, JsonObject template, ImmutableArray<string> searchParameterNames)
    {
        if (MetaReference.From(reference) is not { } meta)
        {
            // Without search parameters the references are those of an architecture search, which names its own.
            return searchParameterNames.IsEmpty || searchParameterNames.Contains(reference)
                ? null
                : $"There is no search parameter of this name{DidYouMean(reference, searchParameterNames)} "
                    + "Refer to a search parameter or to a meta key such as ${trialSpec.Name}.";
        }

        if (!meta.IsKnown)
        {
            return $"There is no such meta key{DidYouMean(meta.Key, MetaReference.Keys)} "
                + "The keys are Name, Namespace, Kind, APIVersion, Annotations[key] and Labels[key].";
        }

        return meta.Resolve(template, "name", "namespace") is null
            ? "The template does not say this: add it to the template, or remove the trialParameter."
            : null;
    }

    private static IEnumerable<Problem> Placeholding(TrialTemplate template, ImmutableArray<Use> uses)
    {
        var known = template.Parameters.Select(static parameter => parameter.Name).ToImmutableArray();
        var meant = new HashSet<string>(StringComparer.Ordinal);
        foreach (var use in uses)
        {
            if (use.Name is null)
            {
                yield return new(use.Field, "", "A placeholder '${trialParameters.' starts here and has no '}'.");
            }
            else if (use.InKey)
            {
                _ = meant.Add(use.Name);
                yield return new(
                    use.Field,
                    Placeholders.Of(use.Name),
                    "A placeholder cannot stand in a key; only values are filled in.");
            }
            else if (!known.Contains(use.Name))
            {
                _ = meant.Add(NearestName.Of(use.Name, known) ?? "");
                yield return new(
                    use.Field,
                    Placeholders.Of(use.Name),
                    $"No trialParameter has this name{DidYouMean(use.Name, known)} Add one, or correct the name.",
                    $"parameters: [{Placeholders.Of(use.Name)}] in spec.trialTemplate "
                    + "not found in spec.trialParameters");
            }
        }

        // One slip is one problem: the parameter that a misspelt placeholder means is not reported a second time.
        var used = uses.Select(static use => use.Name).Concat(meant).ToHashSet(StringComparer.Ordinal);
        for (var i = 0; i < known.Length; i++)
        {
            if (known[i].Length > 0 && !known[i].AsSpan().ContainsAny('{', '}') && !used.Contains(known[i]))
            {
                yield return new(
                    $"{FieldOf(i)}.name",
                    known[i],
                    $"The template never uses it: put {Placeholders.Of(known[i])} where the value belongs.",
                    $"parameter name: {known[i]} in spec.trialParameters not found in spec.trialTemplate");
            }
        }
    }

    private static IEnumerable<Problem> Unreferenced(
        TrialTemplate template, ImmutableArray<string> searchParameterNames)
    {
        if (template.Parameters.IsEmpty)
        {
            return [];
        }

        var references = template.Parameters.Select(static parameter => parameter.Reference).ToHashSet();
        var meant = references
            .Where(reference => !searchParameterNames.Contains(reference))
            .Select(reference => NearestName.Of(reference, searchParameterNames))
            .ToHashSet(StringComparer.Ordinal);
        return searchParameterNames
            .Where(name => !references.Contains(name) && !meant.Contains(name))
            .Distinct(StringComparer.Ordinal)
            .Select(static name => new Problem(
                ParametersField,
                name,
                "No trialParameter refers to this search parameter, so the trials would never see its value: "
                + "add one with this reference, or remove the search parameter."));
    }

    private static IEnumerable<Problem> Names(JsonObject template) =>
        from key in OwnKeys
        let node = (template["metadata"] as JsonObject)?[key]
        where node is not null && node.ToString().Length > 0
        select new Problem(
            $"{Root}.metadata.{key}",
            node.ToString(),
            $"The trial's own {key} goes here: leave it out.",
            "metadata.name and metadata.namespace in spec.trialTemplate must be omitted");

    private static IEnumerable<Use> Uses(JsonNode? node, string field) => node switch
    {
        JsonObject parts => parts.SelectMany(part => Placeholders.In(part.Key)
            .Select(name => new Use(field, name, InKey: true))
            .Concat(Uses(part.Value, $"{field}.{part.Key}"))),
        JsonArray items => items.SelectMany((item, i) => Uses(item, FormattableString.Invariant($"{field}[{i}]"))),
        JsonValue text when text.GetValueKind() is JsonValueKind.String =>
            Placeholders.In(text.GetValue<string>()).Select(name => new Use(field, name, InKey: false)),
        _ => [],
    };

    private static string FieldOf(int index) => FormattableString.Invariant($"{ParametersField}[{index}]");

    private static string DidYouMean(string given, IEnumerable<string> known) =>
        NearestName.Of(given, known) is { } nearest ? $"; did you mean '{nearest}'?" : ".";

    private readonly record struct Use(string Field, string? Name, bool InKey);
}

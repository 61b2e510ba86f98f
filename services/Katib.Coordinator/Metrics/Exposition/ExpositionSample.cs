using System.Collections.Immutable;

namespace Katib.Coordinator.Metrics.Exposition;

/// <summary>One value of a page in Prometheus' text format.</summary>
/// <param name="Series">Whose value.</param>
/// <param name="Value">The number, in the program's own spelling.</param>
/// <param name="Time">When it was taken, as the page says; null where it leaves that to its reader.</param>
internal sealed record ExpositionSample(ExpositionSeries Series, string Value, DateTimeOffset? Time);

/// <summary>What tells a value from others: a name and labels, as in <c>loss{split="val"}</c>.</summary>
internal sealed record ExpositionSeries(string Name, ImmutableArray<KeyValuePair<string, string>> Labels)
{
    /// <summary>Reads a metric's name as users write it; what is no series in Prometheus' spelling is all name.</summary>
    public static ExpositionSeries Of(string metric)
    {
        var reader = new ExpositionLine(metric);
        return reader.Series() is { } series && reader.IsAtEnd ? series : new(metric, []);
    }

    /// <summary>Whether it has this name, and these labels among its own.</summary>
    public bool IsOneOf(ExpositionSeries asked) => Name == asked.Name && asked.Labels.All(Labels.Contains);

    /// <summary>Whether it has these labels and no others.</summary>
    public bool Is(ExpositionSeries asked) => IsOneOf(asked) && Labels.Length == asked.Labels.Length;

    /// <summary>As Prometheus writes it, and as it can be asked for.</summary>
    public override string ToString()
    {
        var labels = Labels.Select(static label => $"{(IsPlain(label.Key) ? label.Key : Quoted(label.Key))}={Quoted(label.Value)}");
        return Labels.IsEmpty ? Name
            : IsPlain(Name) ? $"{Name}{{{string.Join(',', labels)}}}"
            : $"{{{string.Join(',', labels.Prepend(Quoted(Name)))}}}";
    }

    private static bool IsPlain(string name) => new ExpositionLine(name).Name()?.Length == name.Length;

    private static string Quoted(string text) =>
        $"\"{text
            .Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("\"", "\\\"", StringComparison.Ordinal)
            .Replace("\n", "\\n", StringComparison.Ordinal)}\"";
}

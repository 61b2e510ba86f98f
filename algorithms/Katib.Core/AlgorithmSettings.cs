using System.Collections.Immutable;
using System.Globalization;
using System.Numerics;

namespace Katib;

/// <summary>The settings of an algorithm as the user wrote them, with the algorithm's name.</summary>
public sealed record AlgorithmSettings(string Algorithm, ImmutableArray<KeyValuePair<string, string>> Items)
{
    /// <summary>Begins to read them; the reader collects what is wrong.</summary>
    public SettingsReader Read() => new(this);
}

/// <summary>Reads settings by name, so that one description parses, validates and knows the names.</summary>
public sealed class SettingsReader(AlgorithmSettings settings)
{
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);
    private readonly List<Problem> _problems = [];

    /// <summary>The whole-number setting that seeds every algorithm; null when it is not set.</summary>
    public long? RandomState()
    {
        const string Name = "random_state";
        return WholeNumber(Name, 0, long.MaxValue, $"{Name} should be great or equal than zero");
    }

    /// <summary>A whole number between two bounds; null when it is not set.</summary>
    /// <param name="name">The setting's name.</param>
    /// <param name="min">The smallest value allowed.</param>
    /// <param name="max">The largest value allowed.</param>
    /// <param name="katibMessage">Katib's sentence for a number that is too small, where it has one.</param>
    public long? WholeNumber(string name, long min, long max, string? katibMessage = null)
    {
        if (Find(name) is not var (text, path))
        {
            return null;
        }

        if (text.Length > ExactDecimal.MaxLength
            || !BigInteger.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var number))
        {
            const string Message = "must be a whole number";
            _problems.Add(new(path, text, Message, $"failed to validate {name}({text}): {Message}"));
            return null;
        }

        if (number < min)
        {
            _problems.Add(new(path, text, $"must be at least {min}", katibMessage));
            return null;
        }

        if (number > max)
        {
            _problems.Add(new(path, text, $"must be at most {max}"));
            return null;
        }

        return (long)number;
    }

    /// <summary><c>true</c> or <c>false</c> in any case; false when it is not set.</summary>
    public bool Flag(string name)
    {
        if (Find(name) is not var (text, path))
        {
            return false;
        }

        if (!bool.TryParse(text, out var value))
        {
            const string Message = "must be true or false";
            _problems.Add(new(path, text, Message, $"failed to validate {name}({text}): {Message}"));
        }

        return value;
    }

    /// <summary>Adds a problem that the algorithm found itself, so that all are told at once.</summary>
    public void Reject(Problem problem) => _problems.Add(problem);

    /// <summary>
    /// Throws when a setting is unknown, stands twice or was found wrong; call it after the last one is read.
    /// </summary>
    public void ThrowIfInvalid()
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < settings.Items.Length; i++)
        {
            var name = settings.Items[i].Key;
            if (!_known.Contains(name))
            {
                var known = string.Join(", ", _known.Order(StringComparer.Ordinal));
                _problems.Add(new(
                    $"algorithm.algorithmSettings[{i}].name",
                    name,
                    $"is no setting of {settings.Algorithm}; it has {known}",
                    $"unknown setting {name} for algorithm {settings.Algorithm}"));
            }
            else if (!seen.Add(name))
            {
                _problems.Add(new($"algorithm.algorithmSettings[{i}].name", name, "stands twice; remove one of them"));
            }
        }

        InvalidStudyException.ThrowIfAny(_problems);
    }

    private (string Text, string Path)? Find(string name)
    {
        _ = _known.Add(name);
        for (var i = 0; i < settings.Items.Length; i++)
        {
            if (settings.Items[i].Key == name)
            {
                return (settings.Items[i].Value, $"algorithm.algorithmSettings[{i}].value");
            }
        }

        return null;
    }
}

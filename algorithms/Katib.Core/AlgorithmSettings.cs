using System.Collections.Immutable;
using System.Globalization;
using System.Numerics;

namespace Katib;

/// <summary>The settings of an algorithm as the user wrote them, with the algorithm's name.</summary>
public sealed record AlgorithmSettings(string Algorithm, ImmutableArray<KeyValuePair<string, string>> Items)
{
    /// <summary>Where they stand below the experiment's <c>spec</c>, for messages.</summary>
    public string Field { get; init; } = "algorithm";

    /// <summary>Begins to read them against what the algorithm declares; the reader collects what is wrong.</summary>
    public SettingsReader Read(ImmutableArray<SettingDeclaration> declared) => new(this, declared);
}

/// <summary>A setting that an algorithm understands, in words for its users.</summary>
/// <param name="Name">Its name in <c>algorithmSettings</c>.</param>
/// <param name="Values">Which values it takes.</param>
/// <param name="Default">What holds when it is not set.</param>
/// <param name="Effect">What it does.</param>
public sealed record SettingDeclaration(string Name, string Values, string Default, string Effect)
{
    /// <summary>The seed, common to all algorithms.</summary>
    public static SettingDeclaration RandomState { get; } = new(
        "random_state", "whole number, 0 or more", "from the experiment's name", "seeds the search: the same number, the same points");

    /// <summary>The way out of the rule that no point is tried twice.</summary>
    public static SettingDeclaration AllowDuplicates { get; } = new(
        "allow_duplicates", "true, false", "false", "goes on with points tried before when every point has been, for noisy objectives");
}

/// <summary>Reads declared settings by name and collects everything that is wrong with them.</summary>
public sealed class SettingsReader(AlgorithmSettings settings, ImmutableArray<SettingDeclaration> declared)
{
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

    /// <summary>One of several words; null when it is not set.</summary>
    /// <param name="name">The setting's name.</param>
    /// <param name="words">The words allowed, as they are spelt.</param>
    /// <param name="katibMessage">Katib's sentence for another one, from the setting's name and value.</param>
    public string? Choice(string name, IReadOnlyCollection<string> words, Func<string, string, string> katibMessage)
    {
        if (Find(name) is not var (text, path))
        {
            return null;
        }

        if (!words.Contains(text))
        {
            _problems.Add(new(path, text, $"must be one of {string.Join(", ", words)}", katibMessage(name, text)));
        }

        return text;
    }

    /// <summary>Any text; null when it is not set.</summary>
    public string? Text(string name) => Find(name)?.Text;

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
            if (!declared.Any(d => d.Name == name))
            {
                var known = string.Join(", ", declared.Select(static d => d.Name));
                _problems.Add(new(
                    $"{settings.Field}.algorithmSettings[{i}].name",
                    name,
                    $"is no setting of {settings.Algorithm}; it has {known}",
                    $"unknown setting {name} for algorithm {settings.Algorithm}"));
            }
            else if (!seen.Add(name))
            {
                _problems.Add(new($"{settings.Field}.algorithmSettings[{i}].name", name, "stands twice; remove one of them"));
            }
        }

        InvalidStudyException.ThrowIfAny(_problems);
    }

    private (string Text, string Path)? Find(string name)
    {
        if (!declared.Any(d => d.Name == name))
        {
            throw new InvalidOperationException($"The algorithm reads the setting '{name}' without declaring it.");
        }

        for (var i = 0; i < settings.Items.Length; i++)
        {
            if (settings.Items[i].Key == name)
            {
                return (settings.Items[i].Value, $"{settings.Field}.algorithmSettings[{i}].value");
            }
        }

        return null;
    }
}

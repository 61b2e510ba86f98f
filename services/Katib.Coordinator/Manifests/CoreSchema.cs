using System.Globalization;
using System.Text.RegularExpressions;

namespace Katib.Coordinator.Manifests;

/// <summary>What an unquoted value is.</summary>
internal enum ScalarKind
{
    Null,
    Boolean,
    Integer,
    Float,
    Text,
}

/// <summary>The core schema of YAML 1.2: which unquoted texts are numbers, booleans or null.</summary>
/// <remarks>
/// Two kinds of number stay text, for a manifest becomes JSON, which has none of them: infinities and NaN, and
/// hexadecimal or octal numbers that do not fit into 64 bits.
/// </remarks>
internal static partial class CoreSchema
{
    /// <summary>What the unquoted text stands for.</summary>
    public static ScalarKind Resolve(string plain) => plain switch
    {
        "" or "~" or "null" or "Null" or "NULL" => ScalarKind.Null,
        "true" or "True" or "TRUE" or "false" or "False" or "FALSE" => ScalarKind.Boolean,
        _ when !MayBeNumber(plain[0]) => ScalarKind.Text,
        _ when IntegerPattern.IsMatch(plain) => ScalarKind.Integer,
        _ when FloatPattern.IsMatch(plain) => ScalarKind.Float,
        _ => ScalarKind.Text,
    };

    /// <summary>The value of a boolean's text.</summary>
    public static bool IsTrue(string boolean) => boolean[0] is 't' or 'T';

    /// <summary>A number's text as JSON spells it, with no digit changed that JSON allows.</summary>
    public static string ToJsonNumber(string number)
    {
        if (number.StartsWith("0x", StringComparison.Ordinal))
        {
            return ulong.Parse(number.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture)
                .ToString(CultureInfo.InvariantCulture);
        }

        if (number.StartsWith("0o", StringComparison.Ordinal))
        {
            return Convert.ToUInt64(number[2..], 8).ToString(CultureInfo.InvariantCulture);
        }

        var parts = FloatPattern.Match(number);
        var whole = parts.Groups["whole"].Value.TrimStart('0');
        var fraction = parts.Groups["fraction"].Value;
        return string.Concat(
            number[0] is '-' ? "-" : "",
            whole.Length > 0 ? whole : "0",
            fraction.Length > 0 ? $".{fraction}" : "",
            parts.Groups["exponent"].Value);
    }

    [GeneratedRegex(@"\A(?:[-+]?[0-9]+|0o[0-7]{1,21}|0x[0-9a-fA-F]{1,16})\z")]
    private static partial Regex IntegerPattern { get; }

    [GeneratedRegex(
        @"\A[-+]?(?:(?<whole>[0-9]+)(?:\.(?<fraction>[0-9]*))?|\.(?<fraction>[0-9]+))(?<exponent>[eE][-+]?[0-9]+)?\z")]
    private static partial Regex FloatPattern { get; }

    private static bool MayBeNumber(char first) => char.IsAsciiDigit(first) || first is '-' or '+' or '.';
}

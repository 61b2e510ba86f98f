using System.Globalization;

namespace Katib.Hosting.Tests.Fuzz;

/// <summary>Texts and numbers that have broken programs before.</summary>
internal static class HostileValues
{
    /// <summary>In bytes it becomes three lone surrogates, which are no UTF-8, of the same length.</summary>
    public const string NoUtf8 = "<surrogs>";

    private static readonly string[] Numbers =
    [
        "NaN", "nan", "inf", "-inf", "Infinity", "-Infinity", "1e308", "-1e308", "1e309", "1e-320", "5e-324", "-0", "0", "1",
        "1e", "e5", ".5", "5.", "+1", "--1", "0x10", "1_000", "1,5", "1.5.2", " 1", "1 ", "\u0661\u0662", "1e99999999999",
        "-1e-99999999999", "1e2147483647", "1e-2147483648", "2147483647", "-2147483648", "4294967296", "9223372036854775807",
        "-9223372036854775808", "18446744073709551616", "0.1", "0.30000000000000004", "1e-17", "1e17", "9007199254740993",
    ];

    private static readonly string[] Texts =
    [
        "", " ", "\0", "\n", "\r\n", "\t", "\u001b[31m", "\u202e", "\ufeff", "\ufffd", "\ud83d\udca5", "e\u0301", "\u0130", NoUtf8,
        "%s%n%x", "{0}{1}", "${jndi:x}", "$(reboot)", "`id`", "'; DROP TABLE trials;--", "../../etc/passwd", "/dev/zero",
        "C:\\con", "a=b;c=d", "a,b", "{\"a\":[}", "- a: &x *x", "<![CDATA[", "null", "true", "~", "!!int 3", "grpc-status: 0",
    ];

    public static string Number(Dice dice) => dice.Below(12) switch
    {
        0 => new('9', 1 + dice.Below(2000)),
        1 => "0." + new string('0', dice.Below(2000)) + "1",
        2 => BitConverter.UInt64BitsToDouble(dice.Bits).ToString("R", CultureInfo.InvariantCulture),
        3 => dice.Below(100).ToString(CultureInfo.InvariantCulture),
        _ => dice.OneOf<string>(Numbers),
    };

    public static string Text(Dice dice) => dice.Below(8) switch
    {
        0 => Number(dice),
        1 => new((char)(' ' + dice.Below(90)), dice.OneOf(1, 63, 64, 255, 4096, dice.OneIn(50) ? 1_000_000 : 9)),
        2 => string.Concat(Enumerable.Range(0, dice.Below(20)).Select(_ => (char)dice.Below(0xd800))),
        _ => dice.OneOf<string>(Texts),
    };

    public static int Whole(Dice dice) => dice.OneOf(
        0, 1, -1, 2, 100, 9_999, 10_000, 10_001, 1_000_000, int.MaxValue, int.MinValue, dice.Below(50), (int)dice.Bits);
}

using System.Collections.Immutable;
using System.Globalization;

namespace Katib.Benchmarks.SideBySide;

/// <summary>Which run it was.</summary>
/// <param name="Problem">The problem's name.</param>
/// <param name="Parallel">How many trials ran at once.</param>
/// <param name="Seed">The number of the run.</param>
internal readonly record struct RunKey(string Problem, int Parallel, int Seed);

/// <summary>What one run found, as regret: the true loss less the problem's minimum.</summary>
/// <remarks>
/// Trials stand in the order in which they were suggested. The first n of them depend on nothing that came later, so
/// that a run of a larger budget holds all smaller ones.
/// </remarks>
/// <param name="Key">Which run.</param>
/// <param name="Fingerprint">Which form of the problem; a changed problem has another one.</param>
/// <param name="Optimizer">Who suggested.</param>
/// <param name="Version">In which version.</param>
/// <param name="Seconds">How long suggesting took.</param>
/// <param name="Regrets">The regret of each trial; not a number where it failed.</param>
/// <param name="Incumbents">
/// The trials, counted from 1, whose observed loss was below all earlier ones, each with its regret.
/// </param>
internal sealed record Trace(
    RunKey Key,
    string Fingerprint,
    string Optimizer,
    string Version,
    double Seconds,
    ImmutableArray<double> Regrets,
    ImmutableArray<(int Trial, double Regret)> Incumbents)
{
    /// <summary>The names of the columns.</summary>
    public const string Header =
        "problem,fingerprint,parallel,budget,seed,optimizer,version,seconds,incumbents,regrets";

    /// <summary>How many trials there were.</summary>
    public int Budget => Regrets.Length;

    /// <summary>The true regret of the best observed of so many trials; not a number where all failed.</summary>
    public double RegretAt(int budget) =>
        Incumbents.LastOrDefault(i => i.Trial <= budget, (Trial: 0, Regret: double.NaN)).Regret;

    /// <summary>The run as a line of CSV: regrets with 4 digits, those of the incumbents with 6.</summary>
    public string ToCsv() => string.Join(
        ',',
        Key.Problem,
        Fingerprint,
        Text($"{Key.Parallel}"),
        Text($"{Budget}"),
        Text($"{Key.Seed}"),
        Optimizer,
        Version,
        Text($"{Seconds:0.00}"),
        string.Join(' ', Incumbents.Select(static i => Text($"{i.Trial}:{i.Regret:G6}"))),
        string.Join(' ', Regrets.Select(static r => double.IsNaN(r) ? "-" : Text($"{r:G4}"))));

    /// <summary>Reads such a line.</summary>
    public static Trace FromCsv(string line)
    {
        var columns = line.Split(',');
        return new(
            new(columns[0], Whole(columns[2]), Whole(columns[4])),
            columns[1],
            columns[5],
            columns[6],
            Number(columns[7]),
            [.. columns[9].Split(' ').Select(static r => r is "-" ? double.NaN : Number(r))],
            [.. columns[8].Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(static i => i.Split(':'))
                .Select(static i => (Whole(i[0]), Number(i[1])))]);
    }

    /// <summary>Eight digits that change with a problem's parameters, and with its losses at some points.</summary>
    public static string FingerprintOf(TestProblem problem)
    {
        var draws = new Draws("fingerprint");
        var unit = new double[problem.Parameters.Length];
        var text = string.Join(';', problem.Parameters.Select(static p => Text(p.Name, p.Type, p.FeasibleSpace)));
        for (var i = 0; i < 20; i++)
        {
            for (var j = 0; j < unit.Length; j++)
            {
                unit[j] = draws.Uniform();
            }

            var outcome = problem.Evaluate(problem.Space.Format(problem.Space.Quantile(unit)), 0, i);
            text += Text($";{Aside(outcome.True - problem.Minimum):G5} {Aside(outcome.Observed - problem.Minimum):G5}");
        }

        return Text($"{(uint)Philox.KeyOf(text):x8}");
    }

    /// <summary>
    /// A loss of a table ends after a few digits, often halfway between two that G5 tells apart; there the last bit, which
    /// differs from processor to processor, must not decide.
    /// </summary>
    private static double? Aside(double? loss) => loss * (1 + 1e-9);

    private static string Text(string name, ParameterType type, FeasibleSpace space) =>
        $"{name} {type} {space.Min} {space.Max} {space.Step} {space.Distribution} "
        + string.Join('|', space.List.IsDefault ? [] : space.List);

    private static string Text(FormattableString text) => FormattableString.Invariant(text);

    private static int Whole(string text) => int.Parse(text, CultureInfo.InvariantCulture);

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}

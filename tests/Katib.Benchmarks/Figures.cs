using System.Globalization;

namespace Katib.Benchmarks;

/// <summary>Prints figures, each as a number and as a ratio to its baseline.</summary>
internal static class Figures
{
    public static void Title(string text) => Console.WriteLine($"\n{text}");

    public static void Baseline(string name, double value, string unit) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"  {name,-44} {value,10:0.00} {unit}   (baseline)"));

    public static void Print(string name, double value, string unit, double baseline) => Console.WriteLine(string.Create(
        CultureInfo.InvariantCulture, $"  {name,-44} {value,10:0.00} {unit}   {value / baseline:0.00} x"));

    public static void Note(string text) => Console.WriteLine($"  {text}");

    /// <summary>The smallest value that at least this share of all does not exceed.</summary>
    public static double Quantile(IEnumerable<double> values, double share)
    {
        var sorted = values.Order().ToArray();
        return sorted[Math.Max(0, (int)Math.Ceiling(share * sorted.Length) - 1)];
    }

    public static double Median(IEnumerable<double> values) => Quantile(values, 0.5);
}

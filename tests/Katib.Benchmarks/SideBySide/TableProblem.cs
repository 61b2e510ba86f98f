using System.Collections.Immutable;
using System.Globalization;

namespace Katib.Benchmarks.SideBySide;

/// <summary>A real tuning task, recorded on a grid; between the grid's numbers it is interpolated.</summary>
/// <remarks>
/// <para>The file is CSV: first a comment <c># set,tune</c> or <c># set,judge</c> and a comment
/// <c># name,type,scale</c> for each parameter, with the type <c>double</c>, <c>int</c> or <c>categorical</c> and the
/// scale <c>linear</c> or <c>log</c>; then a line of names, which are those of the parameters in the same
/// order, <c>loss</c> and at will <c>seconds</c>; then one line for every combination. Other comments are
/// skipped.</para>
/// <para>Numbers are parameters between the first and the last number of the grid, <c>logUniform</c> where the scale is
/// <c>log</c>. The loss is multilinear between the grid's numbers, on the scale of each parameter, so that the smallest
/// loss of the file is the smallest of all.</para>
/// </remarks>
internal sealed class TableProblem : TestProblem
{
    private readonly ImmutableArray<Axis> _axes;
    private readonly double[] _losses;

    private TableProblem(string name, ImmutableArray<Axis> axes, double[] losses)
        : base(name, ProblemGroup.Real, [.. axes.Select(static a => a.ToParameter())], losses.Min())
    {
        _axes = axes;
        _losses = losses;
    }

    /// <summary>Whether it is one to tune with, and not one to judge by.</summary>
    public required bool IsForTuning { get; init; }

    /// <summary>Reads a file; the problem is named after it.</summary>
    /// <exception cref="FormatException">The file is not what it is to be.</exception>
    public static TableProblem Load(string path)
    {
        var name = Path.GetFileNameWithoutExtension(path);
        var lines = File.ReadAllLines(path);
        var header = Array.FindIndex(lines, static l => !l.StartsWith('#'));
        var columns = lines[header].Split(',');
        var rows = lines.Skip(header + 1).Where(static l => l.Length > 0).Select(static l => l.Split(',')).ToArray();
        var axes = ImmutableArray.CreateBuilder<Axis>();
        foreach (var comment in lines.Take(header))
        {
            if (comment.TrimStart('#').Trim().Split(',') is
                [var parameter, "double" or "int" or "categorical", "linear" or "log"] fields)
            {
                var column = axes.Count;
                var texts = rows.Select(r => r[column]).Distinct(StringComparer.Ordinal);
                axes.Add(new(parameter, fields[1], fields[2] is "log", texts));
            }
        }

        if (!columns.AsSpan().StartsWith([.. axes.Select(static a => a.Name), "loss"]))
        {
            throw new FormatException($"{path}: the columns are to be the parameters in their order, and loss.");
        }

        var losses = new double[axes.Aggregate(1, static (size, axis) => size * axis.Texts.Length)];
        Array.Fill(losses, double.NaN);
        foreach (var row in rows)
        {
            var at = 0;
            for (var i = 0; i < axes.Count; i++)
            {
                at = (at * axes[i].Texts.Length) + axes[i].Texts.IndexOf(row[i]);
            }

            losses[at] = double.Parse(row[axes.Count], CultureInfo.InvariantCulture);
        }

        if (rows.Length != losses.Length || !losses.All(double.IsFinite))
        {
            throw new FormatException(
                $"{path} has {rows.Length} lines where {losses.Length} combinations are to have a loss each.");
        }

        var isForTuning = lines.Contains("# set,tune", StringComparer.Ordinal);
        return new(name, axes.ToImmutable(), losses) { IsForTuning = isForTuning };
    }

    private protected override double? LossAt(ReadOnlySpan<double> x)
    {
        Span<(int Cell, double Share)> places = new (int, double)[x.Length];
        for (var i = 0; i < x.Length; i++)
        {
            places[i] = _axes[i].Place(x[i]);
        }

        return Interpolate(places, 0, 0);
    }

    private double Interpolate(ReadOnlySpan<(int Cell, double Share)> places, int axis, int at)
    {
        if (axis == places.Length)
        {
            return _losses[at];
        }

        var (cell, share) = places[axis];
        var next = (at * _axes[axis].Texts.Length) + cell;
        var below = Interpolate(places, axis + 1, next);
        return share is 0 ? below : below + (share * (Interpolate(places, axis + 1, next + 1) - below));
    }

    /// <summary>One parameter of the grid.</summary>
    private sealed class Axis
    {
        private readonly bool _isLog;
        private readonly string _type;
        private readonly double[] _scaled = [];

        public Axis(string name, string type, bool isLog, IEnumerable<string> texts)
        {
            Name = name;
            _type = type;
            _isLog = isLog;
            Texts = type is "categorical" ? [.. texts] : [.. texts.OrderBy(Number)];
            if (type is not "categorical")
            {
                _scaled = [.. Texts.Select(t => Scaled(Number(t)))];
            }
        }

        public string Name { get; }

        /// <summary>The values as the file has them, numbers in ascending order.</summary>
        public ImmutableArray<string> Texts { get; }

        public ParameterSpec ToParameter() => _type switch
        {
            "categorical" => new(Name, ParameterType.Categorical, new(List: Texts)),
            _ => new(
                Name,
                _type is "int" ? ParameterType.Int : ParameterType.Double,
                new(Texts[0], Texts[^1], Distribution: _isLog ? Distribution.LogUniform : Distribution.Uniform)),
        };

        /// <summary>The grid's number at or below a value, and how far the value lies towards the next one.</summary>
        public (int Cell, double Share) Place(double value)
        {
            if (_scaled.Length is 0)
            {
                return ((int)value, 0);
            }

            var scaled = Scaled(value);
            var at = Array.BinarySearch(_scaled, scaled);
            if (at >= 0)
            {
                return (at, 0);
            }

            var cell = Math.Clamp(~at - 1, 0, Math.Max(0, _scaled.Length - 2));
            return _scaled.Length is 1
                ? (0, 0)
                : (cell, Math.Clamp((scaled - _scaled[cell]) / (_scaled[cell + 1] - _scaled[cell]), 0, 1));
        }

        private double Scaled(double value) => _isLog ? Math.Log(value) : value;

        private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);
    }
}

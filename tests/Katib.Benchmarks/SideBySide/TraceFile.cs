using System.Collections.Immutable;

namespace Katib.Benchmarks.SideBySide;

/// <summary>The runs of one optimiser, as CSV; the last line of a run is the one that counts.</summary>
internal sealed class TraceFile
{
    private readonly string _path;
    private readonly Dictionary<RunKey, Trace> _traces = [];
    private readonly Lock _writing = new();

    private TraceFile(string path) => _path = path;

    /// <summary>The folder of the runs that are kept in the repository.</summary>
    public static string Recorded { get; } =
        Path.Combine(Repository.Folder, "tests", "Katib.Benchmarks", "SideBySide", "recorded");

    /// <summary>All runs.</summary>
    public IReadOnlyCollection<Trace> Traces => _traces.Values;

    /// <summary>Opens a file, or begins one.</summary>
    public static TraceFile Open(string path)
    {
        var file = new TraceFile(path);
        if (!File.Exists(path))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            File.WriteAllText(path, Trace.Header + "\n");
        }

        foreach (var line in File.ReadLines(path).Skip(1))
        {
            var trace = Trace.FromCsv(line);
            file._traces[trace.Key] = trace;
        }

        return file;
    }

    /// <summary>The run, when it is there with this fingerprint and at least this budget.</summary>
    public Trace? Find(RunKey key, string fingerprint, int budget)
    {
        lock (_writing)
        {
            var isThere = _traces.TryGetValue(key, out var trace)
                && trace.Fingerprint == fingerprint && trace.Budget >= budget;
            return isThere ? trace : null;
        }
    }

    /// <summary>Adds a run, which takes the place of an earlier one.</summary>
    public void Add(Trace trace)
    {
        lock (_writing)
        {
            var isNew = _traces.TryAdd(trace.Key, trace);
            _traces[trace.Key] = trace;
            if (isNew)
            {
                File.AppendAllText(_path, trace.ToCsv() + "\n");
            }
            else
            {
                ImmutableArray<string> lines = [Trace.Header, .. _traces.Values.Select(static t => t.ToCsv())];
                File.WriteAllLines(_path, lines);
            }
        }
    }
}

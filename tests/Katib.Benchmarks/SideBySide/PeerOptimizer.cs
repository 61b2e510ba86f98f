using System.Collections.Immutable;
using System.Diagnostics;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Katib.Benchmarks.SideBySide;

/// <summary>An optimiser of Python's, as one of the programs of <c>peers</c>, which speak JSON lines.</summary>
internal sealed class PeerOptimizer : IOptimizer
{
    /// <summary>Which program, library and variant a name stands for.</summary>
    public static ImmutableSortedDictionary<string, (string Program, string Library, string Variant)> All { get; } =
        new Dictionary<string, (string, string, string)>(StringComparer.Ordinal)
        {
            ["optuna-tpe"] = ("optuna_peer.py", "optuna", "tpe"),
            ["optuna-gp"] = ("optuna_peer.py", "optuna", "gp"),
            ["skopt"] = ("skopt_peer.py", "skopt", "katib"),
            ["skopt-uniform"] = ("skopt_peer.py", "skopt", "uniform"),
            ["hebo"] = ("hebo_peer.py", "hebo", "default"),
        }.ToImmutableSortedDictionary(StringComparer.Ordinal);

    private readonly Process _process;
    private readonly string _variant;
    private ImmutableArray<string> _names = [];
    private int _told;

    private PeerOptimizer(Process process, string variant)
    {
        _process = process;
        _variant = variant;
    }

    /// <inheritdoc/>
    public string Version { get; private set; } = "";

    /// <inheritdoc/>
    public double Seconds { get; private set; }

    /// <summary>Starts the program.</summary>
    /// <param name="name">A name of <see cref="All"/>.</param>
    /// <param name="python">The interpreter.</param>
    /// <param name="path">Where its library lies: what is to stand in PYTHONPATH.</param>
    public static PeerOptimizer Start(string name, string python, string path)
    {
        var (program, _, variant) = All[name];
        var file = Path.Combine(Repository.Folder, "tests", "Katib.Benchmarks", "SideBySide", "peers", program);
        var start = new ProcessStartInfo(python, [file])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        start.Environment["PYTHONPATH"] = path;
        start.Environment["OMP_NUM_THREADS"] = "1";
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        return new(Process.Start(start)!, variant);
    }

    /// <inheritdoc/>
    public async Task BeginAsync(TestProblem problem, int seed, int parallel)
    {
        _names = [.. problem.Parameters.Select(static p => p.Name)];
        _told = 0;
        Seconds = 0;
        var reply = await CallAsync(new()
        {
            ["start"] = new JsonObject
            {
                ["parameters"] = new JsonArray([.. problem.Parameters.Select(ToJson)]),
                ["seed"] = seed,
                ["parallel"] = parallel,
                ["variant"] = _variant,
            },
        });
        Version = reply["version"]!.GetValue<string>();
    }

    /// <inheritdoc/>
    public async Task<ImmutableArray<ImmutableArray<Assignment>>> AskAsync(RunHistory history, int count)
    {
        var tell = new JsonArray([.. history.Ended.Skip(_told).Select(t => (JsonNode)new JsonObject
        {
            ["id"] = Math.Max(-1, t.Number - history.Given),
            ["point"] = new JsonObject(t.Point.Select(static a => KeyValuePair.Create(a.Name, (JsonNode?)a.Value))),
            ["loss"] = t.Outcome!.Value.Observed,
        })]);
        _told = history.Ended.Count;
        var reply = await CallAsync(new() { ["tell"] = tell, ["ask"] = count });
        Seconds += reply["seconds"]!.GetValue<double>();
        return [.. reply["points"]!.AsArray().Select(p =>
            _names.Select(n => new Assignment(n, p![n]!.GetValue<string>())).ToImmutableArray())];
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _process.StandardInput.Close();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }

    private static JsonNode ToJson(ParameterSpec parameter)
    {
        var space = parameter.FeasibleSpace;
        return new JsonObject
        {
            ["name"] = parameter.Name,
            ["type"] = parameter.Type.ToString().ToLowerInvariant(),
            ["min"] = space.Min,
            ["max"] = space.Max,
            ["step"] = space.Step,
            ["list"] = new JsonArray([.. (space.List.IsDefault ? [] : space.List).Select(static v => (JsonNode)v)]),
            ["distribution"] = JsonNamingPolicy.CamelCase.ConvertName(space.Distribution.ToString()),
        };
    }

    private async Task<JsonNode> CallAsync(JsonObject message)
    {
        await _process.StandardInput.WriteLineAsync(message.ToJsonString());
        await _process.StandardInput.FlushAsync();
        var line = await _process.StandardOutput.ReadLineAsync()
            ?? throw new InvalidOperationException("The peer has ended; what it said stands above.");
        return JsonNode.Parse(line)!;
    }
}

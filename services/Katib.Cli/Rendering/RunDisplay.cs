using Katib.Coordinator;
using Katib.Coordinator.Experiments;
using Microsoft.Extensions.Logging;
using Spectre.Console;

namespace Katib.Cli.Rendering;

/// <summary>Shows a run: a live table on a terminal, plain lines elsewhere.</summary>
internal sealed class RunDisplay(ExperimentSpec spec, bool toErrorStream, ILogger log, TimeProvider time) : IProgress<ExperimentStep>
{
    private static readonly TimeSpan Refresh = TimeSpan.FromMilliseconds(250);

    private readonly TextWriter _lines = toErrorStream ? Console.Error : Console.Out;
    private readonly bool _isLive = !toErrorStream && AnsiConsole.Profile.Capabilities.Interactive && !Console.IsOutputRedirected;

    /// <summary>One step as a line, and for operators; the live table shows it by itself.</summary>
    public void Report(ExperimentStep value)
    {
        value.LogTo(log, spec.Name);
        if (!_isLive)
        {
            _lines.WriteLine(value);
        }
    }

    /// <summary>Waits for the end of a run and shows it meanwhile.</summary>
    public async Task<T> ShowAsync<T>(Task<T> running, Func<ExperimentState> state)
    {
        if (_isLive)
        {
            await AnsiConsole.Live(View(state())).AutoClear(true).StartAsync(async screen =>
            {
                while (await Task.WhenAny(running, Task.Delay(Refresh, time, CancellationToken.None)) != running)
                {
                    screen.UpdateTarget(View(state()));
                }
            });
        }

        return await running;
    }

    private Rows View(ExperimentState state) => ExperimentView.Of(spec, state, time.GetUtcNow());
}

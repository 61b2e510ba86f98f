using Katib.Coordinator;
using Katib.Coordinator.Experiments;
using Spectre.Console;

namespace Katib.Cli.Rendering;

/// <summary>Shows a run: a live table on a terminal, plain lines elsewhere.</summary>
internal sealed class RunDisplay(ExperimentSpec spec, bool toErrorStream, TimeProvider time) : IProgress<string>
{
    private static readonly TimeSpan Refresh = TimeSpan.FromMilliseconds(250);

    private readonly TextWriter _lines = toErrorStream ? Console.Error : Console.Out;
    private readonly bool _isLive = !toErrorStream && AnsiConsole.Profile.Capabilities.Interactive && !Console.IsOutputRedirected;

    /// <summary>One step as a line; the live table shows it by itself.</summary>
    public void Report(string value)
    {
        if (!_isLive)
        {
            _lines.WriteLine(value);
        }
    }

    /// <summary>Runs the loop to its end and shows it meanwhile.</summary>
    public async Task<Outcome> ShowAsync(ExperimentLoop loop, CancellationToken cancellationToken)
    {
        var running = loop.RunAsync(cancellationToken);
        if (_isLive)
        {
            await AnsiConsole.Live(View(loop)).AutoClear(true).StartAsync(async screen =>
            {
                while (await Task.WhenAny(running, Task.Delay(Refresh, time, CancellationToken.None)) != running)
                {
                    screen.UpdateTarget(View(loop));
                }
            });
        }

        return await running;
    }

    private Rows View(ExperimentLoop loop) => ExperimentView.Of(spec, loop.State, time.GetUtcNow());
}

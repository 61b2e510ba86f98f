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
    public async Task<T> ShowAsync<T>(Task<T> running, Func<(ExperimentSpec Spec, ExperimentState State)> look)
    {
        if (_isLive)
        {
            await AnsiConsole.Live(View(look())).AutoClear(true).StartAsync(async screen =>
            {
                while (await Task.WhenAny(running, Task.Delay(Refresh, time, CancellationToken.None)) != running)
                {
                    screen.UpdateTarget(View(look()));
                }
            });
        }

        return await running;
    }

    private Rows View((ExperimentSpec Spec, ExperimentState State) look) =>
        ExperimentView.Of(look.Spec, look.State, time.GetUtcNow());
}

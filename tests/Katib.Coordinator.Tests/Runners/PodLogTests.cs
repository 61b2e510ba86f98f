using System.Text;
using Katib.Coordinator.Runners.Kubernetes;

namespace Katib.Coordinator.Tests.Runners;

public sealed class PodLogTests
{
    private readonly StringBuilder _taken = new();
    private LogPlace _last = LogPlace.Beginning;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Lines_come_without_their_times_and_the_last_one_without_its_break()
    {
        await ReadAsync("2026-01-02T03:04:05.1Z a=1\n2026-01-02T03:04:05.12Z \n2026-01-02T03:04:06Z b");

        Assert.Equal("a=1\n\nb", $"{_taken}");
        Assert.Equal(new("2026-01-02T03:04:06.000000000", 1), _last);
    }

    [Fact]
    public async Task After_a_break_it_goes_on_behind_the_last_line_even_within_one_moment()
    {
        const string moment = "2026-01-02T03:04:05.123456789Z";
        var queries = new List<string>();

        await ReadAsync($"{moment} a\n{moment} b\n", queries);
        await ReadAsync($"2026-01-02T03:04:05.1Z old\n{moment} a\n{moment} b\n{moment} c\n2026-01-02T03:04:05.2Z d\n", queries);

        Assert.Equal("a\nb\nc\nd\n", $"{_taken}");
        Assert.Equal(["&follow=true", "&follow=true&sinceTime=2026-01-02T03:04:05Z"], queries);
    }

    [Fact]
    public async Task What_the_node_has_thrown_away_is_not_missed_twice()
    {
        await ReadAsync("2026-01-02T03:04:05Z a\n2026-01-02T03:04:06Z b\n");
        await ReadAsync("2026-01-02T03:04:09Z e\n2026-01-02T03:04:10Z f\n");

        Assert.Equal("a\nb\ne\nf\n", $"{_taken}");
    }

    [Fact]
    public async Task Times_of_other_zones_and_just_before_a_second_keep_their_order()
    {
        await ReadAsync("2026-01-02T05:04:05.999999999+02:00 a\n2026-01-02T03:04:06.000000001Z b\n");
        await ReadAsync("2026-01-02T05:04:05.999999999+02:00 a\n2026-01-02T03:04:06.000000001Z b\n2026-01-02T03:04:06.000000002Z c\n");

        Assert.Equal("a\nb\nc\n", $"{_taken}");
    }

    [Fact]
    public async Task A_line_without_end_comes_in_parts_and_memory_stays_bounded()
    {
        var line = $"2026-01-02T03:04:05Z {new string('x', 3_000_000)}";

        await ReadAsync(line);

        Assert.Equal(3_000_000, _taken.Length);
    }

    private async Task ReadAsync(string answer, List<string>? queries = null)
    {
        var log = new PodLog(
            (query, _) =>
            {
                queries?.Add(query);
                return Task.FromResult<Stream>(new MemoryStream(Encoding.UTF8.GetBytes(answer)));
            },
            _last,
            (lines, last, token) =>
            {
                token.ThrowIfCancellationRequested();
                _ = _taken.Append(Encoding.UTF8.GetString(lines.Span));
                _last = last;
                return ValueTask.CompletedTask;
            });
        await log.ReadAsync(follow: true, Token);
    }
}

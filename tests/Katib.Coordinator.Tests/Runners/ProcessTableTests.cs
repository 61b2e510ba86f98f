using Katib.Coordinator.Runners.Local;

namespace Katib.Coordinator.Tests.Runners;

public sealed class ProcessTableTests
{
    [Fact]
    public void A_process_name_may_hold_anything()
    {
        var process = LinuxProcessTable.ParseStat(42, "42 (a) S (b) c) S 7 8 9 0 -1"u8);

        Assert.Equal(new ProcessEntry(42, 7, 8, 9, Marked: false), process);
    }

    [Fact]
    public void The_dead_do_not_count() => Assert.Null(LinuxProcessTable.ParseStat(42, "42 (sh) Z 7 8 9 0"u8));

    [Theory]
    [InlineData("A=1\0M=/x/1\0", false, true)]
    [InlineData("M=/x/1", false, true)]
    [InlineData("A=1\0M=/x/10\0", false, false)]
    [InlineData("XM=/x/1\0", false, false)]
    [InlineData("M=/x/10\0M=/x/1\0", false, true)]
    [InlineData("M=/x/10\0", true, true)]
    [InlineData("", false, false)]
    public void A_marker_is_a_whole_entry(string environment, bool below, bool found)
    {
        var bytes = System.Text.Encoding.UTF8.GetBytes(environment);

        Assert.Equal(found, LinuxProcessTable.Bears(bytes, "M=/x/1"u8, below));
    }

    [Fact]
    public void Macos_listings_are_understood()
    {
        const string listing = """
              101     1   101 Ss   /bin/sh /t/.supervisor.sh /t/a b/1 python
              102   101   101 S    python train.py HOME=/Users/me KATIB_TRIAL_DIR=/t/a b/1 PATH=/bin
              103   101   101 S    python train.py KATIB_TRIAL_DIR=/t/a b/10
              104   101   101 Z    (python)
            """;

        var processes = PsProcessTable.Parse(listing, new TrialMarker("/t/a b/1"));

        Assert.Equal([101, 102, 103], processes.Select(static process => process.Id));
        Assert.Equal([102], processes.Where(static process => process.Marked).Select(static process => process.Id));
        Assert.Equal(new ProcessEntry(102, 101, 101, 101, Marked: true), processes[1]);
    }
}

namespace Katib.Core.Tests;

public sealed class PhiloxTests
{
    /// <summary>The known answers that Random123 publishes for philox4x32-10 (its file kat_vectors).</summary>
    [Theory]
    [InlineData(0x00000000_00000000, 0x00000000_00000000, 0x00000000_00000000, 0xe169c58d_6627e8d5, 0x9b00dbd8_bc57ac4c)]
    [InlineData(0xffffffff_ffffffff, 0xffffffff_ffffffff, 0xffffffff_ffffffff, 0x41c83b0e_408f276d, 0x6d5451fd_a20bc7c6)]
    [InlineData(0x299f31d0_a4093822, 0x85a308d3_243f6a88, 0x03707344_13198a2e, 0x94fdcceb_d16cfe09, 0x24126ea1_5001e420)]
    public void The_generator_gives_the_published_answers(ulong key, ulong low, ulong high, ulong first, ulong second)
    {
        Assert.Equal((first, second), new Philox(key).Block(low, high));
    }

    [Fact]
    public void A_draw_is_the_same_for_any_number_of_parameters()
    {
        Span<double> five = stackalloc double[5];
        Span<double> two = stackalloc double[2];

        new Philox(1).Fill(3, five);
        new Philox(1).Fill(3, two);

        Assert.Equal(five[..2].ToArray(), two.ToArray());
        Assert.Equal(5, five.ToArray().Distinct().Count());
        Assert.All(five.ToArray(), static u => Assert.InRange(u, 0, Math.BitDecrement(1.0)));
    }

    /// <summary>Computed once with an implementation of FNV-1a and SplitMix64 in Python.</summary>
    [Fact]
    public void A_key_is_the_same_on_every_machine()
    {
        Assert.Equal(419715546116568885UL, Philox.KeyOf("experiment digits"));
        Assert.Equal(17665956581633026203UL, Philox.KeyOf(""));
    }

    [Fact]
    public void The_key_of_a_study_comes_from_its_random_state_or_else_from_its_name()
    {
        var study = new Study("a", Given.Space(), new("random", []), [], 0, null);

        Assert.Equal(Philox.KeyOf(study, null), Philox.KeyOf(study with { Issued = 5 }, null));
        Assert.NotEqual(Philox.KeyOf(study, null), Philox.KeyOf(study with { Name = "b" }, null));
        Assert.Equal(Philox.KeyOf(study, 1), Philox.KeyOf(study with { Name = "b" }, 1));
        Assert.NotEqual(Philox.KeyOf(study, 1), Philox.KeyOf(study, 2));
    }
}

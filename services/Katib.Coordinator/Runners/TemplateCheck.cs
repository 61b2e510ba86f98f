using System.Collections.Immutable;

namespace Katib.Coordinator.Runners;

/// <summary>What a runner says of a template before the first trial.</summary>
/// <param name="Problems">Why it cannot run it; empty when it can.</param>
/// <param name="Notes">What the user is to know, a sentence each.</param>
public sealed record TemplateCheck(ImmutableArray<Problem> Problems, ImmutableArray<string> Notes);

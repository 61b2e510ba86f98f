namespace Katib;

/// <summary>One thing that is wrong with what the user wrote.</summary>
/// <param name="Field">A path below the experiment's <c>spec</c>: <c>parameters[2].feasibleSpace.min</c>.</param>
/// <param name="Value">What stands there, in the user's own spelling; empty when nothing does.</param>
/// <param name="Message">What is wrong and what to do, as a sentence without field and value.</param>
/// <param name="KatibMessage">Katib's own sentence for it, where Katib has one.</param>
public sealed record Problem(string Field, string Value, string Message, string? KatibMessage = null);

using System.Data.Common;

namespace Katib.Coordinator.Storage;

/// <summary>Short ways to say what the store says often.</summary>
internal static class DbCommands
{
    public static DbCommand Command(this DbConnection connection, string text)
    {
        var command = connection.CreateCommand();
#pragma warning disable CA2100 // Every text is one of the store's own.
        command.CommandText = text;
#pragma warning restore CA2100
        return command;
    }

    /// <summary>Binds a value.</summary>
    public static DbCommand With(this DbCommand command, string name, object? value)
    {
        var parameter = command.CreateParameter();
        parameter.ParameterName = name;
        parameter.Value = value is string text ? Storable(text) : value ?? DBNull.Value;
        _ = command.Parameters.Add(parameter);
        return command;
    }

    public static async Task ExecuteAsync(this DbConnection connection, string text, CancellationToken cancellationToken)
    {
        await using var command = connection.Command(text);
        _ = await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>The one value that a statement answers.</summary>
    public static async Task<T> ReadAsync<T>(this DbConnection connection, string text, CancellationToken cancellationToken)
    {
        await using var command = connection.Command(text);
        return (T)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    /// <summary>No server keeps half a surrogate pair and PostgreSQL no U+0000, and a trial may print both.</summary>
    private static string Storable(string text) =>
        text.AsSpan().IndexOfAnyInRange('\ud800', '\udfff') >= 0 || text.Contains('\0', StringComparison.Ordinal)
            ? string.Concat(text.EnumerateRunes()).Replace('\0', '\ufffd')
            : text;
}

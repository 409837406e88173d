@testable import FanfareProtocols
@testable import FanfareWire

extension CentrifugeJSONMessage {
    /// All that are left.
    func commands() throws(CentrifugeDecodeError) -> [CentrifugeCommand] {
        var (message, commands) = (self, [CentrifugeCommand]())
        while let command = try message.next() { commands.append(command) }
        return commands
    }
}

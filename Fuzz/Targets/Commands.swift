import NIOCore

@testable import FanfareProtocols
@testable import FanfareWire

extension FuzzTarget {
    /// Commands of the Centrifuge protocol: what is taken is JSON, in no more commands than there may be.
    static let commands = FuzzTarget(name: "commands", maxBytes: 1_024) { input in
        var input = input
        let limit = input.pick([1, 2, 512])
        let bytes = input.buffer
        guard let message = try? CentrifugeJSONMessage(bytes, maxCommands: limit) else { return }
        expect((1...limit).contains(message.count), "\(message.count) commands, limit \(limit)")
        guard let commands = message.commands else { return }
        expect(commands.count == message.count, "\(commands.count) commands instead of \(message.count)")
        for line in input.rest.split(separator: UInt8(ascii: "\n")) {
            let isBlank = line.allSatisfy { [0x20, 0x09, 0x0D].contains($0) }
            expect(isBlank || ReferenceJSON.isValid(line), "not JSON")
        }
        for command in commands {
            if command.id == 0 { expect(command.method == .send || command.method == .pong, "no id: \(command)") }
            switch command.method {
            case .publish(_, let data):
                expect(ReferenceJSON.isValid(data.readableBytesView), "data is not JSON")
            case .subscribe(let request): position(request.position)
            case .connect(let request): for request in request.subscriptions { position(request.position) }
            case .history(let request): if let since = request.since { position(since) }
            default: break
            }
        }
    }

    private static func position(_ position: StreamPosition) {
        let epoch = position.epoch
        expect(epoch.isEmpty || epoch == "?" || StreamPosition.isEpoch(epoch), "epoch '\(epoch)'")
    }
}

extension CentrifugeJSONMessage {
    /// All that are left, if all can be read.
    var commands: [CentrifugeCommand]? {
        var (message, commands) = (self, [CentrifugeCommand]())
        do {
            while let command = try message.next() { commands.append(command) }
            return commands
        } catch {
            return nil
        }
    }
}

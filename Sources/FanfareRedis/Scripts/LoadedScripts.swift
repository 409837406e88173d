import NIOCore

/// What a fresh connection has to learn before scripts run on it: the run of Redis, and the scripts' digests.
struct LoadedScripts {
    private var run = ByteBuffer(string: "0")
    private var digests: [ByteBuffer?] = []
    private var answers = 0
    /// Why scripts can't be called here, as with an access list that forbids them. Plain publishes work all the same.
    private(set) var problem: String?

    /// The commands that ask; every answer goes to ``note(_:)``, in their order.
    var preparation: [[ByteBuffer]] {
        [[ByteBuffer(string: "INFO"), ByteBuffer(string: "server")]]
            + RedisScript.allCases.map {
                [ByteBuffer(string: "SCRIPT"), ByteBuffer(string: "LOAD"), ByteBuffer(string: $0.source)]
            }
    }

    /// Whether everything is answered.
    var isComplete: Bool { answers == RedisScript.allCases.count + 1 }

    mutating func note(_ reply: ReplyView) {
        defer { answers += 1 }
        if answers == 0 {
            if let found = Self.run(reply.bytes) { run = ByteBuffer(string: found) }
        } else if let words = reply.error {
            problem = words
            digests.append(nil)
        } else {
            digests.append(ByteBuffer(bytes: reply.bytes))
        }
    }

    /// The command that runs a script; `nil` when Redis did not take it.
    func call(_ script: RedisScript, _ keys: [ByteBuffer], _ arguments: [ByteBuffer]) -> [ByteBuffer]? {
        guard let digest = digests[script.rawValue] else { return nil }
        return [RedisVerb.evalsha, digest] + operands(keys, arguments)
    }

    /// The same with the script in it.
    func wholeCall(_ script: RedisScript, _ keys: [ByteBuffer], _ arguments: [ByteBuffer]) -> [ByteBuffer] {
        [ByteBuffer(string: "EVAL"), ByteBuffer(string: script.source)] + operands(keys, arguments)
    }

    private func operands(_ keys: [ByteBuffer], _ arguments: [ByteBuffer]) -> [ByteBuffer] {
        [ByteBuffer(string: String(keys.count))] + keys + [run] + arguments
    }

    /// `run_id` out of `INFO server`. Where that is forbidden all runs look the same, and a restart that lost data is
    /// only found by nodes that know better positions.
    private static func run(_ info: UnsafeRawBufferPointer) -> String? {
        String(decoding: info, as: UTF8.self).split(whereSeparator: \.isNewline)
            .first { $0.hasPrefix("run_id:") }
            .map { String($0.dropFirst("run_id:".count)) }
    }
}

/// Verbs of the hot path, made once.
enum RedisVerb {
    static let publish = ByteBuffer(string: "PUBLISH")
    static let spublish = ByteBuffer(string: "SPUBLISH")
    static let evalsha = ByteBuffer(string: "EVALSHA")
}

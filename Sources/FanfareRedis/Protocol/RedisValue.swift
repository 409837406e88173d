/// A reply of Redis, copied out of hiredis' memory: for questions that are asked now and then.
enum RedisValue: Sendable, Equatable {
    case none
    case integer(Int)
    case text(String)
    case array([RedisValue])
    /// Redis' words of an error.
    case error(String)

    init(_ reply: ReplyView) {
        if let words = reply.error {
            self = .error(words)
        } else if let integer = reply.integer {
            self = .integer(integer)
        } else if reply.isArray {
            self = .array((0..<reply.count).map { index in reply[index].map(RedisValue.init) ?? .none })
        } else if reply.isNil {
            self = .none
        } else {
            self = .text(String(decoding: reply.bytes, as: UTF8.self))
        }
    }

    var text: String? { if case .text(let text) = self { text } else { nil } }

    var integer: Int? { if case .integer(let integer) = self { integer } else { nil } }

    /// Elements of an array; of anything else none.
    var elements: [RedisValue] { if case .array(let elements) = self { elements } else { [] } }

    /// An element of an array; `.none` beyond its end.
    subscript(index: Int) -> RedisValue {
        let elements = self.elements
        return index < elements.count ? elements[index] : .none
    }
}

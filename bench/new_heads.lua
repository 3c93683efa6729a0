-- wrk: every request has a field that never said this before.
local number, name = 0, ""

function init(args)
  name = args[1]
end

function request()
  number = number + 1
  wrk.headers[name] = "8e3f2a1b" .. number .. "-CDG"
  return wrk.format("GET")
end

-- wrk: every request has a head that never came before.
local number = 0

function request()
  number = number + 1
  wrk.headers["X-Trace"] = tostring(number)
  return wrk.format("GET")
end
